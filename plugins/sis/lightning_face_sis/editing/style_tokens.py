"""Style codes that are taken, mixed and put back by the names of classes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_sis.editing.class_selection import select_classes
from lightning_face_sis.editing.style_swap import blend_styles

__all__ = ["StyleTokens"]


class StyleTokens:
    """Style codes of images, by class.

    A name is that of a class, of a group such as ``eyes``, a number as text, or ``all``::

        tokens["hair"] = other["hair"]
        tokens = tokens.lerp(other, 0.3, ["eyes", "mouth"])

    Args:
        styles: Codes ``(batch, classes, width)``; kept as they are, edits work on a copy.
        class_names: Name of every class, in order.

    Raises:
        ConfigError: There are not as many codes as classes.
    """

    def __init__(self, styles: Tensor, class_names: Sequence[str]) -> None:
        if styles.dim() != 3 or styles.shape[1] != len(class_names):
            msg = f"styles {tuple(styles.shape)} are not (batch, {len(class_names)}, width)"
            raise ConfigError(msg)
        self.styles = styles.clone()
        self.class_names = tuple(class_names)

    def __getitem__(self, name: str) -> Tensor:
        """Give the codes of a class or group ``(batch, classes, width)``.

        Raises:
            ConfigError: There is no such class.
        """
        return self.styles[:, self._classes([name])]

    def __setitem__(self, name: str, codes: Tensor) -> None:
        """Replace the codes of a class or group.

        Args:
            name: The class or group.
            codes: Codes ``(batch, classes, width)``; one code serves all classes of a group, and
                those of one image all images.

        Raises:
            ConfigError: There is no such class.
        """
        self.styles[:, self._classes([name])] = codes.to(self.styles)

    def lerp(
        self, other: StyleTokens, share: float, parts: Sequence[str] = ("all",)
    ) -> StyleTokens:
        """Move the codes of parts towards those of other images, on a straight line.

        Args:
            other: Codes to move towards, of as many images, or of one for all.
            share: How far: 0 changes nothing, 1 takes the others.
            parts: Names of classes and groups that move.

        Returns:
            New codes.

        Raises:
            ConfigError: There is no such class.
        """
        moved = blend_styles(self.styles, other.styles, 1 - share, self._classes(parts))
        return StyleTokens(moved, self.class_names)

    def _classes(self, names: Sequence[str]) -> list[int]:
        return select_classes(names, self.class_names, "style tokens")
