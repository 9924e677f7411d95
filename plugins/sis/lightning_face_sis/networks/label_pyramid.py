"""A label map at all the sizes at which a network asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["LabelPyramid"]

Size = tuple[int, int]


class LabelPyramid:
    """Label maps ``(batch, ...)`` that are made small before they become masks.

    Every size is made from the map itself by the nearest rule: the pixel ``(i, j)`` of the small
    map is the pixel ``(floor(i * height / small height), floor(j * width / small width))`` of the
    large one.

    Args:
        labels: Integer class numbers ``(batch, 1, height, width)``; a pixel with a number that is
            no class belongs to no mask. Or one mask a class, floating point
            ``(batch, num_classes, height, width)``: soft, hard or empty.
        num_classes: Number of classes.

    Attributes:
        hard: Whether every pixel has one class or none, so that the map holds class numbers.

    Raises:
        ValueError: If ``labels`` has another shape.
    """

    def __init__(self, labels: Tensor, num_classes: int) -> None:
        soft = labels.is_floating_point()
        if labels.dim() != 4 or labels.shape[1] != (num_classes if soft else 1):
            msg = (
                f"expected integer labels (batch, 1, height, width) or masks (batch, {num_classes},"
                f" height, width), got {labels.dtype} {tuple(labels.shape)}"
            )
            raise ValueError(msg)
        self.num_classes = num_classes
        self.hard = not soft
        self._map = labels
        # many layers of a network ask for the same few sizes
        self._masks: dict[tuple[Size, torch.dtype], Tensor] = {}
        # masks that a gradient has to reach stay masks
        if soft and not labels.requires_grad and _one_class_or_none(labels):
            self.hard = True
            none = labels.sum(dim=1, keepdim=True) == 0
            self._map = labels.argmax(dim=1, keepdim=True).masked_fill_(none, num_classes)

    @property
    def batch_size(self) -> int:
        """Number of label maps."""
        return self._map.shape[0]

    @property
    def size(self) -> Size:
        """Height and width of the whole map."""
        return self._map.shape[2], self._map.shape[3]

    @property
    def device(self) -> torch.device:
        """Where the map is."""
        return self._map.device

    def classes(self, size: Size) -> Tensor:
        """Give the class of every pixel of a small map.

        Args:
            size: Height and width.

        Returns:
            Class numbers, int64 ``(batch, height, width)``; ``num_classes`` where there is none.

        Raises:
            ValueError: If the map is soft.
        """
        if not self.hard:
            raise ValueError("a soft label map has no class numbers")
        rows, columns = _nearest(self.size, size, self.device)
        small = self._map[:, 0, rows, columns].long()
        known = (small >= 0) & (small < self.num_classes)
        return small.where(known, self.num_classes)

    def masks(self, size: Size, dtype: torch.dtype = torch.float32) -> Tensor:
        """Give one mask a class of a small map.

        Args:
            size: Height and width.
            dtype: Type of the masks.

        Returns:
            Masks ``(batch, num_classes, height, width)``.
        """
        if not self.hard:
            return F.interpolate(self._map, size=size, mode="nearest").to(dtype)
        if (size, dtype) not in self._masks:
            numbers = torch.arange(self.num_classes, device=self.device).view(1, -1, 1, 1)
            self._masks[size, dtype] = (self.classes(size).unsqueeze(1) == numbers).to(dtype)
        return self._masks[size, dtype]

    @classmethod
    def cat(cls, pyramids: Sequence[LabelPyramid]) -> LabelPyramid:
        """Put label maps of one size behind each other; hard ones become soft beside soft ones.

        Args:
            pyramids: Label maps with the same number of classes.

        Raises:
            ValueError: If sizes or numbers of classes differ.
        """
        first = pyramids[0]
        if any(
            (each.size, each.num_classes) != (first.size, first.num_classes) for each in pyramids
        ):
            raise ValueError("label maps of several sizes or numbers of classes cannot be joined")
        hard = all(each.hard for each in pyramids)
        maps = [
            each.classes(each.size)[:, None] if hard else each.masks(each.size) for each in pyramids
        ]
        return cls(torch.cat(maps), first.num_classes)


def _one_class_or_none(masks: Tensor) -> bool:
    """Tell whether masks are 0 and 1, and exclude each other."""
    exact = ((masks == 0) | (masks == 1)).all() & (masks.sum(dim=1) <= 1).all()
    return bool(exact)


def _nearest(large: Size, small: Size, device: torch.device) -> tuple[Tensor, Tensor]:
    """Give the rows and columns that remain, as an index into a map."""
    # the library's own rule, also where a ratio is no whole number
    rows, columns = (
        F.interpolate(torch.arange(n, dtype=torch.float32, device=device)[None, None], size=m)[0, 0]
        for n, m in zip(large, small, strict=True)
    )
    return rows.long().unsqueeze(1), columns.long()
