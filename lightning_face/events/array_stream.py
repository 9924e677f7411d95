"""Recordings whose files give arrays of events: put in order and cut into blocks."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face.events.event_array import EventArray, concatenate
from lightning_face.events.header import Damage
from lightning_face.events.word_stream import TRIGGER_DTYPE

__all__ = ["ArrayStream", "Piece"]


class Piece(NamedTuple):
    """Events that a file holds together, of any integer types.

    Attributes:
        offset: Byte of the file at which they begin.
        t: Times in microseconds (events,).
        x: Columns in pixels (events,).
        y: Rows in pixels (events,).
        p: Polarities (events,): above zero where the pixel became brighter.
    """

    offset: int
    t: NDArray[Any]
    x: NDArray[Any]
    y: NDArray[Any]
    p: NDArray[Any]


class ArrayStream(ABC):
    """Events of one HDF5, AEDAT4 or npz file.

    Args:
        path: The file.
        header: Fields of its header.
        height: Height of the sensor in pixels.
        width: Width of the sensor in pixels.
    """

    def __init__(self, path: Path, header: dict[str, str], height: int, width: int) -> None:
        self.path = path
        self.header = header
        self.height = height
        self.width = width
        self.outside = 0
        self.triggers = np.empty(0, TRIGGER_DTYPE)
        self._last = np.iinfo(np.int64).min
        self._backward = 0
        self._first_backward = 0

    @abstractmethod
    def bound(self) -> int | None:
        """Tell how many events there are at most, None where that takes reading them."""

    @abstractmethod
    def pieces(self) -> Iterator[Piece]:
        """Read the arrays of the file.

        Raises:
            Damage: The file is damaged; all pieces before the damage have been given.
        """

    def blocks(self, block_events: int) -> Iterator[EventArray]:
        """Read the file from its first event to its last; can be called once.

        Args:
            block_events: Events in each block but the last.

        Raises:
            Damage: The file is damaged; all events before the damage have been given.
        """
        damage = None
        pending: list[EventArray] = []
        number = 0
        try:
            for piece in self.pieces():
                pending.append(self._tidy(piece))
                number += len(pending[-1])
                if number < block_events:
                    continue
                joined = concatenate(pending)
                for first in range(0, number - block_events + 1, block_events):
                    yield joined[first : first + block_events]
                pending = [joined[number - number % block_events :]]
                number = len(pending[0])
        except Damage as error:
            damage = error
        if number:
            yield concatenate(pending)
        if self._backward:
            warnings.warn(
                f"{self.path}: the time runs back, first after byte {self._first_backward}; "
                f"events that got the time of the one before: {self._backward}",
                stacklevel=2,
            )
        if damage:
            raise damage

    def _tidy(self, piece: Piece) -> EventArray:
        offset, t, x, y, p = piece
        inside = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
        if not inside.all():
            self.outside += len(t) - int(inside.sum())
            t, x, y, p = t[inside], x[inside], y[inside], p[inside]
        times = np.maximum.accumulate(t, dtype=np.int64)
        np.maximum(times, self._last, out=times)
        backward = int((times != t).sum())
        if backward and not self._backward:
            self._first_backward = offset
        self._backward += backward
        if len(times):
            self._last = int(times[-1])
        return EventArray(
            times,
            x.astype(np.uint16, copy=False),
            y.astype(np.uint16, copy=False),
            (p > 0).astype(np.uint8),
            self.height,
            self.width,
        )
