"""Which actors train, validate and are tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from lightning_face.errors import ConfigError

__all__ = ["PARTS", "SPLIT", "PartName", "parts_of", "read_split"]

PartName = Literal["train", "validation", "test"]

PARTS: tuple[PartName, ...] = ("train", "validation", "test")

SPLIT: Mapping[PartName, tuple[str, ...]] = {
    "train": (
        "FaceTalk_170728_03272_TA",
        "FaceTalk_170904_00128_TA",
        "FaceTalk_170725_00137_TA",
        "FaceTalk_170915_00223_TA",
        "FaceTalk_170811_03274_TA",
        "FaceTalk_170913_03279_TA",
        "FaceTalk_170904_03276_TA",
        "FaceTalk_170912_03278_TA",
    ),
    "validation": ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA"),
    "test": ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA"),
}
"""Actors of each part, as in the published code, the same for both stages of the generator."""

_PARTS_OF: Mapping[str, tuple[PartName, ...]] = {
    "fit": ("train", "validation"),
    "validate": ("validation",),
}


def parts_of(stage: str) -> tuple[PartName, ...]:
    """Return the parts of the split that a stage reads.

    Args:
        stage: ``fit``, ``validate``, ``test`` or ``predict``.
    """
    return _PARTS_OF.get(stage, ("test",))


def read_split(split: Mapping[str, Sequence[str]] | None) -> Mapping[PartName, tuple[str, ...]]:
    """Check a split of the settings.

    Args:
        split: Actors of each part; None means the published ones.

    Raises:
        ConfigError: A part is missing, unknown or empty, or an actor is in several.
    """
    if split is None:
        return SPLIT
    if set(split) != set(PARTS):
        raise ConfigError(f"data.split needs lists of actors under {', '.join(PARTS)}")
    actors = [actor for part in PARTS for actor in split[part]]
    for part in PARTS:
        if not split[part]:
            raise ConfigError(f"data.split has no actor for {part}")
    for actor in actors:
        if actors.count(actor) > 1:
            raise ConfigError(f"data.split has the actor {actor} more than once")
    return {part: tuple(split[part]) for part in PARTS}
