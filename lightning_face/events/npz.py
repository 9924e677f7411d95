"""Recordings as NumPy archives: the arrays ``t``, ``x``, ``y`` and ``p``, without pickles."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.events.array_stream import ArrayStream, Piece
from lightning_face.events.event_array import EventArray, concatenate
from lightning_face.events.header import Damage
from lightning_face.events.word_stream import TRIGGER_DTYPE

__all__ = ["NpzEvents", "save_npz"]

_PIECE_EVENTS = 1 << 16


def save_npz(
    path: Path,
    blocks: Iterable[tuple[EventArray, NDArray[np.void]]],
    height: int,
    width: int,
) -> None:
    """Write events and triggers; all of them are held in memory.

    Args:
        path: File to write.
        blocks: Events with the triggers that belong among them.
        height: Height of the sensor in pixels.
        width: Width of the sensor in pixels.
    """
    events, triggers = zip(*blocks, strict=True)
    whole = concatenate([EventArray.empty(height, width), *events])
    with path.open("wb") as file:
        # uncompressed and with the smallest array last, so that a cut file loses least
        np.savez(
            file,
            height=np.int64(height),
            width=np.int64(width),
            triggers=np.concatenate([np.empty(0, TRIGGER_DTYPE), *triggers]),
            t=whole.t,
            x=whole.x,
            y=whole.y,
            p=whole.p,
        )


class NpzEvents(ArrayStream):
    """Events of an archive, in times as stored.

    Args:
        path: The file.

    Raises:
        DataError: The archive has no events, or not as plain numbers.
        Damage: The file ends before the events.
    """

    def __init__(self, path: Path) -> None:
        self._members, complete = _find_members(path)
        names = ("height", "width", "t", "x", "y", "p")
        missing = [name for name in names if name not in self._members]
        size = path.stat().st_size
        if missing and not complete:
            raise Damage(f"the file ends before its array {missing[0]!r}", size)
        if missing:
            raise DataError(
                f"archive without the array {missing[0]!r}; a recording has {', '.join(names)}"
            )
        with path.open("rb") as file:
            height, width = (int(self._whole(file, name)) for name in names[:2])
            dtypes = [self._open(file, name).dtype for name in "txyp"]
            lengths = {self._open(file, name).length for name in "txyp"}
            triggers = self._whole(file, "triggers") if "triggers" in self._members else None
        if len(lengths) != 1 or any(dtype.kind not in "iub" for dtype in dtypes):
            raise DataError("t, x, y and p have to be integers, as many of each")
        if height < 1 or width < 1:
            raise DataError(f"a sensor of {width}x{height} pixels has no pixels")
        (self._length,) = lengths
        super().__init__(path, {}, height, width)
        if triggers is not None and triggers.dtype == TRIGGER_DTYPE:
            self.triggers = triggers

    def bound(self) -> int:
        """Tell how many events there are."""
        return self._length

    def pieces(self) -> Iterator[Piece]:
        """Read the four arrays side by side.

        Raises:
            Damage: An array is cut or does not have its checksum.
        """
        with ExitStack() as stack:
            members = [
                self._open(stack.enter_context(self.path.open("rb")), name) for name in "txyp"
            ]
            for first in range(0, self._length, _PIECE_EVENTS):
                number = min(_PIECE_EVENTS, self._length - first)
                arrays = [member.read_items(number) for member in members]
                complete = min(len(array) for array in arrays)
                t, x, y, p = (array[:complete] for array in arrays)
                yield Piece(members[0].position, t, x, y, p)
                if complete < number:
                    what = f"the file ends before its event {first + number}"
                    raise Damage(what, self.path.stat().st_size)
            for member, name in zip(members, "txyp", strict=True):
                if not member.intact:
                    raise Damage(f"the array {name!r} is not what its checksum says", member.start)

    def _open(self, file: BinaryIO, name: str) -> _Array:
        return _Array(file, self._members[name])

    def _whole(self, file: BinaryIO, name: str) -> NDArray[Any]:
        array = self._open(file, name)
        values = array.read_items(array.length)
        if len(values) < array.length:
            raise Damage(f"the file ends within its array {name!r}", file.tell())
        return values.reshape(array.shape)


class _Member(NamedTuple):
    """Where an archive has the bytes of one file."""

    start: int
    size: int
    compressed: bool
    checksum: int


class _Array:
    """An array of an archive, read from its beginning in pieces."""

    def __init__(self, file: BinaryIO, member: _Member) -> None:
        self.start = member.start
        self._file = file
        self._member = member
        self._taken = 0
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.compressed else None
        self._checksum = 0
        self._spare = b""
        try:
            version = np.lib.format.read_magic(self)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            self.shape, _, self.dtype = read_header(self)
        except (ValueError, SyntaxError, TokenError) as error:
            raise Damage(f"no array ({error})", member.start) from None
        if self.dtype.hasobject:
            raise DataError("the archive holds pickled objects, which are not read")
        self.length = int(np.prod(self.shape))

    @property
    def position(self) -> int:
        """Byte of the file that is read next."""
        return self._member.start + self._taken

    @property
    def intact(self) -> bool:
        """Whether all bytes have been read and have the checksum of the archive."""
        return self._checksum == self._member.checksum

    def read_items(self, number: int) -> NDArray[Any]:
        """Read the next elements, fewer where the file ends."""
        data = self.read(number * self.dtype.itemsize)
        return np.frombuffer(data[: len(data) - len(data) % self.dtype.itemsize], self.dtype)

    def read(self, number: int = 0, /) -> bytes:
        """Read the next bytes, fewer where the file ends."""
        if self._inflate is None:
            data = self._raw(number)
        else:
            data = self._spare
            while len(data) < number and (raw := self._raw(1 << 16)):
                try:
                    data += self._inflate.decompress(raw)
                except zlib.error as error:
                    raise Damage(f"damaged compression ({error})", self.position) from None
            data, self._spare = data[:number], data[number:]
        self._checksum = zlib.crc32(data, self._checksum)
        return data

    def _raw(self, number: int) -> bytes:
        # several arrays may share the file
        self._file.seek(self.position)
        data = self._file.read(min(number, self._member.size - self._taken))
        self._taken += len(data)
        return data


def _find_members(path: Path) -> tuple[dict[str, _Member], bool]:
    """Find the arrays by the archive's directory, or one after another where it is lost.

    Returns:
        The arrays, and whether the directory was there.
    """
    members = {}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        entries = []
    with path.open("rb") as file:
        for entry in entries:
            if found := _member_at(file, entry.header_offset):
                name, member = found
                members[name] = member._replace(size=entry.compress_size, checksum=entry.CRC)
        if entries:
            return members, True
        offset = 0
        while found := _member_at(file, offset):
            name, members[name] = found
            offset = members[name].start + members[name].size
    return members, False


def _member_at(file: BinaryIO, offset: int) -> tuple[str, _Member] | None:
    if offset > file.seek(0, os.SEEK_END):
        return None
    file.seek(offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        return None
    method, checksum, size, name_size, extra_size = struct.unpack("<8xH4xLL4xHH", header)
    name = file.read(name_size).decode(errors="replace")
    extra = file.read(extra_size)
    if size == 0xFFFFFFFF and extra[:2] == b"\x01\x00" and len(extra) >= 20:
        size = int.from_bytes(extra[12:20], "little")
    start = offset + 30 + name_size + extra_size
    return name.removesuffix(".npy"), _Member(start, size, method != 0, checksum)
