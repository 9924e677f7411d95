"""Widths of the convolutions of each level, as settings give them."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_face.errors import ConfigError

__all__ = ["LevelWidths", "level_widths"]

LevelWidths = Sequence[int | Sequence[int]]
"""For each level the width of its convolution, or those of its convolutions one after another."""


def level_widths(widths: LevelWidths, num_levels: int, name: str) -> list[list[int]]:
    """List the widths of each level.

    Args:
        widths: The setting.
        num_levels: Levels that have convolutions.
        name: How errors call the setting.

    Raises:
        ConfigError: The setting is for another number of levels, or a level has no convolution.
    """
    listed = [[each] if isinstance(each, int) else list(each) for each in widths]
    if len(listed) != num_levels or not all(listed):
        raise ConfigError(
            f"{name} {list(widths)}: the mesh hierarchy asks for {num_levels} entries, each a "
            "width or a list of widths"
        )
    return listed
