"""Reading of event recordings, whole or in blocks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator
from os import PathLike
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.events.event_array import EventArray, concatenate
from lightning_face.events.header import Damage, format_of, read_text_header
from lightning_face.optional import optional_import

__all__ = ["EventReader", "read_events"]


class EventSource(Protocol):
    """What each format's module opens."""

    header: dict[str, str]
    height: int
    width: int
    outside: int
    triggers: NDArray[np.void]

    def bound(self) -> int | None:
        """Tell how many events there are at most, None where that takes reading them."""

    def blocks(self, block_events: int) -> Iterator[EventArray]:
        """Read the file from its first event to its last."""


class EventReader:
    """Blocks of a recording, in memory that does not grow with the length of the file.

    The format is told from the content: RAW in EVT2 or EVT3, DAT, HDF5 with or without Prophesee's
    compression, AEDAT4 or npz. Events outside the sensor are left out and counted.

    Args:
        path: The recording.
        shift_time: Let times begin near zero. RAW files lose the time that the camera's clock
            showed before the first event, as in Metavision, and AEDAT4 files their first time;
            the times of other formats are kept.
        errors: ``raise`` ends the reading of a damaged file with an error; ``salvage`` gives what
            comes before the damage and warns once.
        block_events: Events in each block but the last.

    Attributes:
        format: ``evt2``, ``evt3``, ``dat``, ``hdf5``, ``aedat4`` or ``npz``.
        height: Height of the sensor in pixels.
        width: Width of the sensor in pixels.
        header: Fields of the file's header.

    Raises:
        DataError: The file is missing or no recording, or its header is damaged.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        shift_time: bool = True,
        errors: Literal["raise", "salvage"] = "raise",
        block_events: int = 1_000_000,
    ) -> None:
        if errors not in ("raise", "salvage"):
            raise ValueError(f"errors is 'raise' or 'salvage', not {errors!r}")
        if block_events < 1:
            raise ValueError(f"a block needs at least one event, not {block_events}")
        self.path = Path(path)
        self.block_events = block_events
        self._shift_time = shift_time
        self._salvage = errors == "salvage"
        self._reading: Generator[EventArray, None, None] | None = None
        self._source = self._open()
        self.header = self._source.header
        self.height, self.width = self._source.height, self._source.width

    @property
    def triggers(self) -> NDArray[np.void]:
        """External triggers met so far: fields ``t`` (microseconds), ``channel`` and ``edge``."""
        return self._source.triggers

    @property
    def outside(self) -> int:
        """Number of events met so far that lay outside the sensor and were left out."""
        return self._source.outside

    def __enter__(self) -> EventReader:
        """Close the file at the end of a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """End a reading that has not come to the end of the file."""
        if self._reading is not None:
            self._reading.close()

    def __iter__(self) -> Iterator[EventArray]:
        """Read the file from its beginning.

        Yields:
            Blocks in order of time: at least one, which is empty if the recording is.

        Raises:
            DataError: The file is damaged; all blocks before the damage have been given.
        """
        self.close()
        self._source = self._open()
        self._reading = self._blocks(self._source)
        return self._reading

    def read(self) -> EventArray:
        """Read the whole file.

        Raises:
            DataError: The file is damaged.
        """
        # with the buffers of one block as large as the file nothing needs to be joined
        bound = self._source.bound()
        if bound is not None:
            self.block_events = max(bound, 1)
        return concatenate(list(self))

    def _open(self) -> EventSource:
        try:
            with self.path.open("rb") as file:
                self.format = format_of(file)
            return _SOURCES[self.format](self.path, self._shift_time)
        except FileNotFoundError:
            raise DataError(f"no event recording {self.path}") from None
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror or error}") from None
        except Damage as damage:
            raise DataError(f"{self.path}: {damage.what} (byte {damage.offset})") from None
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from None

    def _blocks(self, source: EventSource) -> Generator[EventArray, None, None]:
        empty = True
        try:
            for block in source.blocks(self.block_events):
                empty = False
                yield block
        except Damage as damage:
            where = f"{self.path}: {damage.what} (byte {damage.offset})"
            if not self._salvage:
                hint = "errors='salvage' (--salvage) reads what comes before"
                raise DataError(f"{where}; {hint}") from None
            warnings.warn(f"{where}; reading ends there", stacklevel=2)
        if empty:
            yield EventArray.empty(self.height, self.width)


def read_events(
    path: str | PathLike[str],
    *,
    shift_time: bool = True,
    errors: Literal["raise", "salvage"] = "raise",
) -> EventArray:
    """Read a recording of any format that `EventReader` knows.

    Args:
        path: The recording.
        shift_time: Let the times of RAW and AEDAT4 files begin near zero, see `EventReader`.
        errors: ``raise`` or ``salvage``, see `EventReader`.

    Raises:
        DataError: The file is missing, no recording, or damaged.
    """
    with EventReader(path, shift_time=shift_time, errors=errors) as reader:
        return reader.read()


def _open_raw(path: Path, shift_time: bool) -> EventSource:
    optional_import("numba", extra="events")
    from lightning_face.events.evt2 import open_evt2
    from lightning_face.events.evt3 import open_evt3

    with path.open("rb") as file:
        header = read_text_header(file)
    opened = open_evt3 if header.encoding == "evt3" else open_evt2
    return opened(path, header, shift_time=shift_time)


def _open_dat(path: Path, shift_time: bool) -> EventSource:
    optional_import("numba", extra="events")
    from lightning_face.events.dat import open_dat

    with path.open("rb") as file:
        return open_dat(path, read_text_header(file))


def _open_hdf5(path: Path, shift_time: bool) -> EventSource:
    from lightning_face.events.hdf5 import HDF5Events

    return HDF5Events(path)


def _open_aedat4(path: Path, shift_time: bool) -> EventSource:
    from lightning_face.events.aedat4 import AEDAT4Events

    return AEDAT4Events(path, shift_time=shift_time)


def _open_npz(path: Path, shift_time: bool) -> EventSource:
    from lightning_face.events.npz import NpzEvents

    return NpzEvents(path)


_SOURCES: dict[str, Callable[[Path, bool], EventSource]] = {
    "evt2": _open_raw,
    "evt3": _open_raw,
    "dat": _open_dat,
    "hdf5": _open_hdf5,
    "aedat4": _open_aedat4,
    "npz": _open_npz,
}
