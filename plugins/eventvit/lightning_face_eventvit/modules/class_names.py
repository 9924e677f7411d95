"""Names and groups of classes where the settings leave them open."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_face_eventvit.data.action_units import ACTION_UNITS, DESCRIPTIONS, macro_group

__all__ = ["class_groups", "default_class_names", "described"]


def default_class_names(num_classes: int) -> list[str]:
    """Name classes of which only the number is known.

    Args:
        num_classes: Number of classes; 24 are the Action Units.
    """
    if num_classes == len(ACTION_UNITS):
        return list(ACTION_UNITS)
    return [f"class_{index}" for index in range(num_classes)]


def class_groups(names: Sequence[str]) -> list[int] | None:
    """Give the macro group of each class; None unless all of them are Action Units."""
    if not set(names) <= set(ACTION_UNITS):
        return None
    return [macro_group(name) for name in names]


def described(name: str) -> str:
    """Add to the name of an Action Unit what it means."""
    return f"{name} {DESCRIPTIONS[name]}" if name in DESCRIPTIONS else name
