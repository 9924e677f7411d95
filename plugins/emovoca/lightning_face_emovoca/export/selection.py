"""Which variants of a store are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import StoredEmotion, StoredSequence

__all__ = ["Selection", "StoredVariant"]


@dataclass(frozen=True)
class StoredVariant:
    """A variant of a sentence.

    Attributes:
        sequence: The sentence.
        place: Place of the emotion on its axis.
        emotion: The emotion.
        intensity: Its strength.
    """

    sequence: StoredSequence
    place: int
    emotion: StoredEmotion
    intensity: float

    @property
    def name(self) -> str:
        """Name for files, ``<actor>_<sentence>_<Emotion>_<intensity>``."""
        return f"{self.talking}_{self.emotion.file_name}_{self.intensity:g}"

    @property
    def talking(self) -> str:
        """Name for the files of the sentence without emotion, ``<actor>_<sentence>``."""
        return f"{self.sequence.actor}_{self.sequence.sentence}"


@dataclass(frozen=True)
class Selection:
    """Names of what is wanted; None means all.

    Attributes:
        actors: Who speaks.
        sentences: What is said.
        emotions: Emotions by their names or file names.
        intensities: Their strengths.
    """

    actors: Sequence[str] | None = None
    sentences: Sequence[str] | None = None
    emotions: Sequence[str] | None = None
    intensities: Sequence[float] | None = None

    def variants(self, store: EmoVOCAStore) -> list[StoredVariant]:
        """List the variants of a store.

        Args:
            store: The store.

        Raises:
            ConfigError: The store does not have something that is wanted.
        """
        for word, wanted, present in (
            ("actor", self.actors, {each.actor for each in store.sequences}),
            ("sentence", self.sentences, {each.sentence for each in store.sequences}),
        ):
            if strangers := sorted(set(wanted or ()) - present):
                raise ConfigError(
                    f"{store.path} has no {word} {', '.join(strangers)}; it has "
                    f"{', '.join(sorted(present))}"
                )
        places = list(range(len(store.emotions)))
        if self.emotions is not None:
            places = sorted({store.emotion_place(name) for name in self.emotions})
        strengths = store.intensities
        if self.intensities is not None:
            strengths = tuple(sorted(set(self.intensities)))
            if not store.is_virtual:
                for strength in strengths:
                    store.intensity_place(strength)
        return [
            StoredVariant(sequence, place, store.emotions[place], strength)
            for sequence in store.sequences
            if self.actors is None or sequence.actor in self.actors
            if self.sentences is None or sequence.sentence in self.sentences
            for place in places
            for strength in strengths
        ]
