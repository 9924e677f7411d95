"""The eleven emotions and three intensities, their names and their numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from lightning_face.errors import ConfigError

__all__ = [
    "EMOTIONS",
    "INTENSITIES",
    "NEUTRAL",
    "NUM_EMOTIONS",
    "NUM_INTENSITIES",
    "Emotion",
    "find_emotion",
    "select_emotions",
]


@dataclass(frozen=True)
class Emotion:
    """An emotion.

    Attributes:
        label: Number of the class, from 0.
        file_name: How files of the data set call it, such as ``Smile2``.
        name: How people call it, such as ``Happy``.
        aliases: Other words for it, in lower case.
    """

    label: int
    file_name: str
    name: str
    aliases: tuple[str, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """Everything it may be called, in lower case."""
        return frozenset({self.file_name.lower(), self.name.lower(), *self.aliases})


EMOTIONS: tuple[Emotion, ...] = (
    Emotion(0, "Afraid", "Afraid", ("fear", "fearful", "scared")),
    Emotion(1, "Disgust", "Disgust", ("disgusted",)),
    Emotion(2, "Irritated1", "Angry", ("anger", "irritated")),
    Emotion(3, "Sad1", "Sad", ("sadness",)),
    Emotion(4, "Smile2", "Happy", ("happiness", "smile", "smiling", "joy")),
    Emotion(5, "Drunk2", "Drunk"),
    Emotion(6, "Ill", "Ill", ("sick",)),
    Emotion(7, "Moody", "Moody"),
    Emotion(8, "Pleased", "Pleased"),
    Emotion(9, "Suspicious", "Suspicious"),
    Emotion(10, "Upset", "Upset"),
)
"""The emotions in the order of their labels.

Source:
    Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025; the numbers
    are those of the published code.
"""

NEUTRAL = Emotion(11, "Neutral", "Neutral", ("none", "calm"))
"""No expression at all: not among the published classes, so only new networks know it."""

INTENSITIES = (1, 2, 3)
"""Low, middle and high: what the latent of an expression is multiplied by."""

NUM_EMOTIONS = len(EMOTIONS)
NUM_INTENSITIES = len(INTENSITIES)


def find_emotion(name: str | int) -> Emotion:
    """Return an emotion by what it is called, in small or capital letters, or by its number.

    Args:
        name: Name in files (``Smile2``), everyday name (``happy``), another word for it
            (``joy``), or number of the class.

    Raises:
        ConfigError: There is no such emotion.
    """
    word = str(name).strip().lower()
    for emotion in (*EMOTIONS, NEUTRAL):
        if word in emotion.words or word == str(emotion.label):
            return emotion
    known = ", ".join(
        each.name if each.name == each.file_name else f"{each.name} ({each.file_name})"
        for each in (*EMOTIONS, NEUTRAL)
    )
    raise ConfigError(f"no emotion {name!r}; there are {known}")


def select_emotions(names: list[str] | None) -> tuple[Emotion, ...]:
    """Return emotions by what they are called, in the order of their labels.

    Args:
        names: See :func:`find_emotion`; None means the eleven published ones.

    Raises:
        ConfigError: There is no such emotion, or one is named twice, or none.
    """
    if names is None:
        return EMOTIONS
    found = sorted((find_emotion(name) for name in names), key=lambda each: each.label)
    if not found:
        raise ConfigError("no emotion is named: leave the setting out for all of them")
    for first, second in itertools.pairwise(found):
        if first == second:
            raise ConfigError(f"the emotion {first.name} is named twice")
    return tuple(found)
