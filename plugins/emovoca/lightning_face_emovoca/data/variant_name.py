"""Names of emotional sequences, which say who speaks which sentence in which mood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from lightning_face.errors import DataError
from lightning_face_emovoca.data.emotions import EMOTIONS, INTENSITIES, NEUTRAL, Emotion

__all__ = ["VariantName"]

_BY_FILE_NAME = {emotion.file_name: emotion for emotion in (*EMOTIONS, NEUTRAL)}


@dataclass(frozen=True, order=True)
class VariantName:
    """A sentence of an actor with one emotion at one intensity.

    ``str`` of it is the name of its files, ``<actor>_<sentence>_<emotion>_<intensity>``.

    Attributes:
        actor: Who speaks.
        sentence: What is said, such as ``sentence01``.
        label: Number of the emotion.
        intensity: 1, 2 or 3.
    """

    actor: str
    sentence: str
    label: int
    intensity: int

    def __str__(self) -> str:
        """Return the name of the files without suffix."""
        return f"{self.actor}_{self.sentence}_{self.emotion.file_name}_{self.intensity}"

    @property
    def emotion(self) -> Emotion:
        """The emotion."""
        return (*EMOTIONS, NEUTRAL)[self.label]

    @property
    def talking(self) -> str:
        """Name of the files of the sentence without emotion."""
        return f"{self.actor}_{self.sentence}"

    @classmethod
    def parse(cls, name: PurePath | str) -> VariantName:
        """Take the name of a file apart; the actor is what is before the last three fields.

        Args:
            name: File, or its name with or without ``.npy`` or ``.wav``.

        Raises:
            DataError: It is not the name of an emotional sequence.
        """
        file_name = PurePath(name).name.removesuffix(".npy").removesuffix(".wav")
        *actor, sentence, emotion, intensity = ["", "", "", *file_name.split("_")]
        strengths = {str(each): each for each in INTENSITIES}
        if not any(actor) or emotion not in _BY_FILE_NAME or intensity not in strengths:
            raise DataError(
                f"{name} is not named <actor>_<sentence>_<emotion>_<intensity> with an emotion "
                f"among {', '.join(_BY_FILE_NAME)} and an intensity of 1, 2 or 3"
            )
        who = "_".join(actor).lstrip("_")
        return cls(who, sentence, _BY_FILE_NAME[emotion].label, strengths[intensity])
