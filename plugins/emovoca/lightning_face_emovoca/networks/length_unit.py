"""Units in which networks compute, while all that goes in and comes out is in metres."""

from __future__ import annotations

from typing import Literal

from lightning_face.errors import ConfigError

__all__ = ["LengthUnit", "units_per_metre"]

LengthUnit = Literal["m", "cm"]

_PER_METRE = {"m": 1.0, "cm": 100.0}


def units_per_metre(unit: LengthUnit) -> float:
    """Return how many of a unit make a metre.

    Args:
        unit: "m", or "cm", in which the motion of a face is not lost beside the biases of a
            random start.

    Raises:
        ConfigError: The unit is another one.
    """
    if unit not in _PER_METRE:
        raise ConfigError(f"unit {unit!r} is not one of {', '.join(_PER_METRE)}")
    return _PER_METRE[unit]
