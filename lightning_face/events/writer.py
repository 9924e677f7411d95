"""Writing of event recordings in the formats that cameras and their tools read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError
from lightning_face.events.event_array import EventArray
from lightning_face.events.reader import EventReader
from lightning_face.events.word_stream import TRIGGER_DTYPE
from lightning_face.optional import optional_import

__all__ = [
    "FORMATS",
    "format_for",
    "write_dat",
    "write_events",
    "write_evt2",
    "write_evt3",
    "write_hdf5",
    "write_npz",
]

Recording = EventArray | EventReader
_Blocks = Iterator[tuple[EventArray, NDArray[np.void]]]

_SUFFIXES = {
    ".raw": "evt3",
    ".evt2": "evt2",
    ".evt3": "evt3",
    ".dat": "dat",
    ".hdf5": "hdf5",
    ".h5": "hdf5",
    ".npz": "npz",
}
FORMATS = tuple(dict.fromkeys(_SUFFIXES.values()))

# three days; after that the time words before the first event would fill the file
_LATEST_RAW_US = 1 << 38


def format_for(path: str | PathLike[str]) -> str:
    """Choose the format that the suffix of a file stands for; ``.raw`` is EVT3.

    Args:
        path: File to be written.

    Raises:
        DataError: The suffix stands for none.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise DataError(f"{path}: {suffix or 'no suffix'} names no format; use one of {known}")
    return _SUFFIXES[suffix]


def write_events(
    path: str | PathLike[str],
    events: Recording,
    format: str | None = None,
    triggers: NDArray[np.void] | None = None,
) -> None:
    """Write a recording; reading it gives the same events.

    Args:
        path: File to create or replace.
        events: The events, or a reader, which is copied block by block with its triggers.
        format: ``evt3``, ``evt2``, ``dat``, ``hdf5`` or ``npz``; None takes that of the suffix.
        triggers: External triggers in order of time, with fields ``t``, ``channel`` and ``edge``;
            those of a reader are taken from it.

    Raises:
        DataError: The format is unknown or cannot hold these events.
    """
    name = format or format_for(path)
    if name not in _WRITERS:
        raise DataError(f"no format {name!r} to write {path} in; use one of {', '.join(FORMATS)}")
    _WRITERS[name](path, events, triggers)


def write_evt3(
    path: str | PathLike[str], events: Recording, triggers: NDArray[np.void] | None = None
) -> None:
    """Write a RAW file of EVT3 words.

    Args:
        path: File to create or replace.
        events: The events, on a sensor of at most 2048x2048 pixels, from time 0 on.
        triggers: External triggers, see `write_events`.

    Raises:
        DataError: The format cannot hold these events.
    """
    _need_numba()
    from lightning_face.events.evt3 import encode_evt3

    header = f"% evt 3.0\n% format EVT3;{_raw_fields(events)}"
    blocks = _checked(path, _blocks(events, triggers), largest=2048, latest=_LATEST_RAW_US)
    _write(path, header, encode_evt3(blocks))


def write_evt2(
    path: str | PathLike[str], events: Recording, triggers: NDArray[np.void] | None = None
) -> None:
    """Write a RAW file of EVT2 words.

    Args:
        path: File to create or replace.
        events: The events, on a sensor of at most 2048x2048 pixels, from time 0 on.
        triggers: External triggers, see `write_events`.

    Raises:
        DataError: The format cannot hold these events.
    """
    _need_numba()
    from lightning_face.events.evt2 import encode_evt2

    header = f"% evt 2.0\n% format EVT2;{_raw_fields(events)}"
    blocks = _checked(path, _blocks(events, triggers), largest=2048, latest=_LATEST_RAW_US)
    _write(path, header, encode_evt2(blocks))


def write_dat(
    path: str | PathLike[str], events: Recording, triggers: NDArray[np.void] | None = None
) -> None:
    """Write a DAT file, which holds no triggers.

    Args:
        path: File to create or replace.
        events: The events, on a sensor of at most 16384x16384 pixels, in the first 71 minutes
            from time 0 on.
        triggers: Left out.

    Raises:
        DataError: The format cannot hold these events.
    """
    _need_numba()
    from lightning_face.events.dat import encode_dat

    header = (
        "% Data file containing CD events.\n% Version 2\n"
        f"% Height {events.height}\n% Width {events.width}\n"
    )
    blocks = _checked(path, _blocks(events, triggers), largest=1 << 14, latest=1 << 32)
    _write(path, header, encode_dat(blocks))


def write_hdf5(
    path: str | PathLike[str],
    events: Recording,
    triggers: NDArray[np.void] | None = None,
    *,
    compress: bool = True,
) -> None:
    """Write an HDF5 file in Metavision's layout.

    Args:
        path: File to create or replace.
        events: The events; compressed, on a sensor of at most 2048x2048 pixels, from time 0 on.
        triggers: External triggers, see `write_events`.
        compress: Use the compression of Metavision (its filter 0x8ECF); without it any HDF5 reader
            can read the events.

    Raises:
        DataError: The format cannot hold these events.
    """
    from lightning_face.events.hdf5 import save_hdf5

    blocks = _blocks(events, triggers)
    if compress:
        _need_numba()
        blocks = _checked(path, blocks, largest=2048, latest=1 << 62)
    with atomic_path(Path(path)) as temporary:
        save_hdf5(temporary, blocks, events.height, events.width, compress=compress)


def write_npz(
    path: str | PathLike[str], events: Recording, triggers: NDArray[np.void] | None = None
) -> None:
    """Write the arrays ``t``, ``x``, ``y`` and ``p`` with ``height`` and ``width``.

    Args:
        path: File to create or replace.
        events: The events.
        triggers: External triggers, see `write_events`; stored as ``triggers``.
    """
    from lightning_face.events.npz import save_npz

    with atomic_path(Path(path)) as temporary:
        save_npz(temporary, _blocks(events, triggers), events.height, events.width)


_WRITERS = {
    "evt3": write_evt3,
    "evt2": write_evt2,
    "dat": write_dat,
    "hdf5": write_hdf5,
    "npz": write_npz,
}


def _blocks(events: Recording, triggers: NDArray[np.void] | None) -> _Blocks:
    """Give every block with the triggers up to its end, and what triggers come later."""
    if isinstance(events, EventArray):
        yield events, np.empty(0, TRIGGER_DTYPE) if triggers is None else triggers
        return
    written = 0
    for block in events:
        # some formats give the triggers of the whole file at once
        due = written
        if len(block):
            passed = np.searchsorted(events.triggers["t"], block.t[-1], side="right")
            due = max(written, int(passed))
        yield block, events.triggers[written:due]
        written = due
    if written < len(events.triggers):
        yield EventArray.empty(events.height, events.width), events.triggers[written:]


def _checked(
    path: str | PathLike[str], blocks: Iterable[tuple[EventArray, NDArray[np.void]]], **limits: int
) -> _Blocks:
    for events, triggers in blocks:
        if max(events.height, events.width) > limits["largest"]:
            raise DataError(
                f"{path}: the format holds sensors of up to {limits['largest']} pixels a side, not "
                f"{events.width}x{events.height}; npz holds any"
            )
        for what, times in (("event", events.t), ("trigger", triggers["t"])):
            back = times[1:] < times[:-1]
            if back.any():
                number = int(back.argmax()) + 1
                raise DataError(f"{path}: {what} {number} is earlier than the one before")
        if len(events) and (events.x.max() >= events.width or events.y.max() >= events.height):
            raise DataError(
                f"{path}: columns up to {events.x.max()} and rows up to {events.y.max()} are not "
                f"on the sensor of {events.width}x{events.height} pixels"
            )
        times = np.concatenate((events.t[:1], events.t[-1:], triggers["t"]))
        if len(times) and not 0 <= times.min() <= times.max() < limits["latest"]:
            raise DataError(
                f"{path}: the format holds times of 0 to {limits['latest'] - 1} us, not "
                f"{times.min()} to {times.max()}; subtract a start or use npz"
            )
        yield events, triggers


def _raw_fields(events: Recording) -> str:
    size = f"height={events.height};width={events.width}"
    return f"{size}\n% geometry {events.width}x{events.height}\n% end\n"


def _write(path: str | PathLike[str], header: str, pieces: Iterable[bytes]) -> None:
    with atomic_path(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(header.encode())
        file.writelines(pieces)


def _need_numba() -> None:
    optional_import("numba", extra="events")
