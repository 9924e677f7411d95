"""HDF5 files of Metavision, with or without its compression of events."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.events.array_stream import ArrayStream, Piece
from lightning_face.events.event_array import EventArray, concatenate
from lightning_face.events.header import Damage, TextHeader
from lightning_face.events.word_stream import TRIGGER_DTYPE
from lightning_face.optional import optional_import

__all__ = ["EVENT_DTYPE", "HDF5Events", "save_hdf5"]

EVENT_DTYPE = np.dtype(
    {
        "names": ["x", "y", "p", "t"],
        "formats": ["<u2", "<u2", "<i2", "<i8"],
        "offsets": [0, 2, 4, 8],
        "itemsize": 16,
    }
)
_TRIGGER_DTYPE = np.dtype(
    {
        "names": ["p", "t", "id"],
        "formats": ["<i2", "<i8", "<i2"],
        "offsets": [0, 8, 16],
        "itemsize": 24,
    }
)
_INDEX_DTYPE = np.dtype([("id", "<u8"), ("ts", "<i8")])

_ECF_FILTER = 0x8ECF
_CHUNK_EVENTS = 16384
_CHUNK_ROWS = 1024
_INDEX_PERIOD_US = 2000
# where the superblock of each version tells how long the file should be
_END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}
# whatever the library finds where it expects its structures
_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)


class HDF5Events(ArrayStream):
    """Events of ``/CD/events`` and triggers of ``/EXT_TRIGGER/events``, in times as stored.

    A file that was cut has no triggers.

    Args:
        path: The file.

    Raises:
        DataError: The file holds no events in this layout.
        Damage: The structures of the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._h5py = optional_import("h5py", extra="events")
        self._size = path.stat().st_size
        with self._open(path) as file:
            try:
                events = file.get("CD/events")
                fields = {key.lower(): _text(value) for key, value in file.attrs.items()}
                cut = file.id.get_filesize() > self._size
                # their rows come after all events
                triggers = None if cut else _read_triggers(file)
            except _ERRORS as error:
                raise Damage(f"its structures cannot be read ({error})", self._size) from None
            if events is None and cut:
                raise Damage("the file is cut before its events", self._size)
            if events is None or not {"t", "x", "y", "p"} <= set(events.dtype.names or ()):
                raise DataError("HDF5 file without the events of a camera (/CD/events)")
            self._length = len(events)
        super().__init__(path, fields, *TextHeader(fields, 0).sensor)
        if triggers is not None:
            self.triggers = triggers

    def bound(self) -> int:
        """Tell how many events there are."""
        return self._length

    def pieces(self) -> Iterator[Piece]:
        """Read the chunks of the file.

        Raises:
            Damage: A chunk is missing, cut or no chunk; those before it have been given.
        """
        with self._open(self.path) as file:
            events = file["CD/events"]
            plist = events.id.get_create_plist()
            filters = [plist.get_filter(each)[0] for each in range(plist.get_nfilters())]
            if _ECF_FILTER in filters:
                optional_import("numba", extra="events")
            step = events.chunks[0] if events.chunks else _CHUNK_EVENTS
            for first in range(0, self._length, step):
                number = min(step, self._length - first)
                offset = self._place(events, first, number)
                try:
                    if _ECF_FILTER in filters:
                        t, (x, y, p) = _decoded(events, first, number)
                    else:
                        rows = events[first : first + number]
                        t, x, y, p = (rows[name] for name in "txyp")
                except (*_ERRORS, Damage) as error:
                    what = error.what if isinstance(error, Damage) else f"unreadable ({error})"
                    raise Damage(f"the chunk of event {first}: {what}", offset) from None
                yield Piece(offset, t, x, y, p)

    def _place(self, events: Any, first: int, number: int) -> int:  # noqa: ANN401
        """Find the bytes of a chunk, and see that the file has them all."""
        if events.chunks is None:
            start = events.id.get_offset()
            offset = None if start is None else start + first * events.dtype.itemsize
            size = number * events.dtype.itemsize
        else:
            try:
                info = events.id.get_chunk_info_by_coord((first,))
            except _ERRORS as error:
                raise Damage(f"no index of chunks ({error})", self._size) from None
            offset, size = info.byte_offset, info.size
        if offset is None:
            raise Damage(f"the file has no chunk for event {first}", self._size)
        if offset + size > self._size:
            raise Damage(f"the file ends before its event {first + number}", self._size)
        return int(offset)

    def _open(self, path: Path) -> Any:  # noqa: ANN401
        try:
            return self._h5py.File(path, "r")
        except OSError as error:
            reason = str(error)
        if "truncated" not in reason:
            raise Damage(f"damaged HDF5 file ({reason})", 0)
        # with its former length the library opens the file, and finds the chunks before the cut if
        # their index lies before it too
        try:
            return self._h5py.File(_Lengthened(path), "r")
        except _ERRORS:
            raise Damage("the file is cut before its index", self._size) from None


class _Lengthened(io.RawIOBase):
    """A cut file with the length that its superblock tells, readable up to the cut."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        start = self._file.read(64)
        place = _END_OF_FILE[start[8]]
        self._size = int.from_bytes(start[place : place + 8], "little")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        view = memoryview(buffer).cast("B")
        self._file.seek(self._position)
        # the library may loop for ever on made-up contents of its structures
        if self._file.readinto(view) < len(view):
            raise OSError("the file is cut before these bytes")
        self._position += len(view)
        return len(view)

    def close(self) -> None:
        self._file.close()
        super().close()


def save_hdf5(
    path: Path,
    blocks: Iterable[tuple[EventArray, NDArray[np.void]]],
    height: int,
    width: int,
    *,
    compress: bool,
) -> None:
    """Write events and triggers in the layout of Metavision.

    Args:
        path: File to write.
        blocks: Events with the triggers that belong among them.
        height: Height of the sensor in pixels.
        width: Width of the sensor in pixels.
        compress: Encode the chunks of events; otherwise they are stored as they are.
    """
    h5py = optional_import("h5py", extra="events")
    with h5py.File(path, "w") as file:
        text = h5py.string_dtype()
        geometry = f"{width}x{height}"
        file.attrs.create("version", "1.0", dtype=text)
        file.attrs.create("format", f"EVT3;height={height};width={width}", dtype=text)
        file.attrs.create("geometry", geometry, dtype=text)
        # all structures come before the first events, so that a cut takes events alone
        events = _create(h5py, file, "CD/events", EVENT_DTYPE, compress=compress)
        index_rows = _create(h5py, file, "CD/indexes", _INDEX_DTYPE)
        trigger_rows = _create(h5py, file, "EXT_TRIGGER/events", _TRIGGER_DTYPE)
        trigger_index_rows = _create(h5py, file, "EXT_TRIGGER/indexes", _INDEX_DTYPE)
        index = _TimeIndex()
        triggers = []
        pending = EventArray.empty(height, width)
        for block, block_triggers in blocks:
            index.add(block)
            triggers.append(block_triggers)
            pending = concatenate([pending, block])
            whole = len(pending) - len(pending) % _CHUNK_EVENTS
            _append(events, pending[:whole], compress=compress)
            pending = pending[whole:]
        _append(events, pending, compress=compress)
        index.save(index_rows)
        _save_triggers(trigger_rows, triggers)
        _TimeIndex().save(trigger_index_rows)


def _create(h5py: Any, file: Any, name: str, dtype: Any, *, compress: bool = False) -> Any:  # noqa: ANN401
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((_CHUNK_EVENTS if dtype is EVENT_DTYPE else _CHUNK_ROWS,))
    if compress:
        # optional, as in Metavision: the library need not know the filter to create the data set
        plist.set_filter(_ECF_FILTER, h5py.h5z.FLAG_OPTIONAL)
    group, _, leaf = name.partition("/")
    space = h5py.h5s.create_simple((0,), (h5py.h5s.UNLIMITED,))
    kind = h5py.h5t.py_create(dtype)
    parent = file.require_group(group).id
    return h5py.Dataset(h5py.h5d.create(parent, leaf.encode(), kind, space, plist))


def _append(dataset: Any, events: EventArray, *, compress: bool) -> None:  # noqa: ANN401
    from lightning_face.events.ecf import encode_chunk

    for start in range(0, len(events), _CHUNK_EVENTS):
        chunk = events[start : start + _CHUNK_EVENTS]
        first = len(dataset)
        dataset.resize((first + len(chunk),))
        if compress:
            dataset.id.write_direct_chunk((first,), encode_chunk(chunk))
            continue
        rows = np.zeros(len(chunk), EVENT_DTYPE)
        for name in "txyp":
            rows[name] = getattr(chunk, name)
        dataset[first:] = rows


def _decoded(
    events: Any,  # noqa: ANN401
    first: int,
    number: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    from lightning_face.events.ecf import decode_chunk

    skipped, data = events.id.read_direct_chunk((first,))
    if skipped:
        # a writer without the filter stored the chunk as it was
        rows = np.frombuffer(data, events.dtype)[:number]
        return rows["t"], np.stack([rows[name] for name in "xyp"])
    decoded = decode_chunk(np.frombuffer(data, np.uint8))
    if decoded is None:
        raise Damage("its bytes are no compressed events", 0)
    t, xyp = decoded
    if len(t) < number:
        raise Damage(f"it has {len(t)} events instead of {number}", 0)
    return t[:number], xyp[:, :number]


class _TimeIndex:
    """First event of every 2 ms, by which Metavision's tools seek."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.void]] = []
        self._next = 0
        self._first_us: int | None = None
        self._events = 0

    def add(self, events: EventArray) -> None:
        if not len(events):
            return
        if self._first_us is None:
            self._first_us = int(events.t[0])
        times = events.t - self._first_us
        periods = np.arange(self._next, int(times[-1]) // _INDEX_PERIOD_US + 1)
        rows = np.empty(len(periods), _INDEX_DTYPE)
        found = np.searchsorted(times, periods * _INDEX_PERIOD_US)
        rows["id"] = found + self._events
        rows["ts"] = times[found]
        self._rows.append(rows)
        self._next += len(periods)
        self._events += len(events)

    def save(self, dataset: Any) -> None:  # noqa: ANN401
        rows = np.concatenate([np.empty(0, _INDEX_DTYPE), *self._rows])
        dataset.resize((len(rows),))
        dataset[:] = rows
        # as text, which is how Metavision writes and reads it
        dataset.attrs["offset"] = str(-(self._first_us or 0))


def _save_triggers(dataset: Any, triggers: list[NDArray[np.void]]) -> None:  # noqa: ANN401
    joined = np.concatenate([np.empty(0, TRIGGER_DTYPE), *triggers])
    rows = np.zeros(len(joined), _TRIGGER_DTYPE)
    for name, source in (("p", "edge"), ("t", "t"), ("id", "channel")):
        rows[name] = joined[source]
    dataset.resize((len(rows),))
    dataset[:] = rows


def _read_triggers(file: Any) -> NDArray[np.void] | None:  # noqa: ANN401
    if "EXT_TRIGGER/events" not in file:
        return None
    rows = file["EXT_TRIGGER/events"][:]
    triggers = np.empty(len(rows), TRIGGER_DTYPE)
    for name, source in (("edge", "p"), ("t", "t"), ("channel", "id")):
        triggers[name] = rows[source]
    return triggers


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
