"""Whether a sentence is sound, told while it is built."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import StoredSequence
from lightning_face_emovoca.verification import (
    HeadRegions,
    UnitMeasurer,
    VerificationSettings,
    judge_unit,
)

__all__ = ["UnitCheck"]

Floats = NDArray[np.float32]


class UnitCheck:
    """Takes the blocks of a sentence as they are written.

    Args:
        store: The store.
        unit: The sentence.
        head: Who speaks.
    """

    def __init__(self, store: EmoVOCAStore, unit: StoredSequence, head: HeadRegions) -> None:
        self._store = store
        self._unit = unit
        self._settings = head.settings
        sizes = len(store.emotions), len(store.intensities)
        self._measurer = UnitMeasurer(unit.name, head, *sizes)

    @staticmethod
    def head(store: EmoVOCAStore, actor: str) -> HeadRegions:
        """Return the parts of an actor's head that are measured.

        Args:
            store: The store.
            actor: Who speaks.
        """
        settings = VerificationSettings.from_dict(store.index.settings["verification"])
        return HeadRegions(
            store.template(actor), store.faces, store.embedding.landmarks_of, settings
        )

    def add_talking(self, source: Floats, plain: Floats) -> None:
        """Add frames of what is said, recorded and without an expression.

        Args:
            source: Displacements ``(frames, vertices, 3)`` in metres.
            plain: As many.
        """
        self._measurer.add_talking(source, plain)

    def add(self, place: int, motion: Floats, landmarks: Floats) -> None:
        """Add frames of a variant.

        Args:
            place: Its place among all, intensities of one emotion after the other.
            motion: Stored displacements ``(frames, vertices, 3)`` in metres.
            landmarks: Stored landmarks ``(frames, 68, 3)``.
        """
        emotion, intensity = divmod(place, len(self._store.intensities))
        self._measurer.add(emotion, intensity, motion, landmarks)

    def finish(self) -> dict[str, Any]:
        """Return the measures, and in words what is wrong."""
        store, actor = self._store, self._unit.actor
        models = np.stack([store.expression(actor, place) for place in range(len(store.emotions))])
        measures = self._measurer.finish(models, store.intensities)
        names = [each.name for each in store.emotions]
        still = store.network.tables.level0_shift
        findings = judge_unit(measures, names, store.intensities, self._settings, still)
        return {"measures": measures.to_dict(), "findings": [str(each) for each in findings]}
