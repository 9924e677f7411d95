"""Features of pictures that come back in many pairs, computed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from torch import Tensor

__all__ = ["FeatureCache"]

Features = TypeVar("Features")


class FeatureCache(Generic[Features]):
    """The features of the pictures used last, by name.

    Args:
        capacity: Number of pictures kept; the one unused for longest goes first.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._kept: OrderedDict[str, Features] = OrderedDict()

    def of_each(
        self, images: Tensor, names: list[str] | None, compute: Callable[[Tensor], Features]
    ) -> Iterator[Features]:
        """Yield the features of every picture of a batch.

        Args:
            images: Pictures ``(batch, channels, height, width)``.
            names: A name for each picture that no other picture has; None keeps nothing.
            compute: Maps a batch of one picture to its features.
        """
        for index in range(len(images)):
            image = images[index : index + 1]
            if names is None:
                yield compute(image)
                continue
            name = names[index]
            if name not in self._kept:
                self._kept[name] = compute(image)
                if len(self._kept) > self.capacity:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            yield self._kept[name]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
