"""AEDAT4 files of iniVation cameras, read through the package ``aedat``."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lightning_face.errors import DataError
from lightning_face.events.array_stream import ArrayStream, Piece
from lightning_face.events.header import Damage
from lightning_face.events.word_stream import TRIGGER_DTYPE
from lightning_face.optional import optional_import

__all__ = ["AEDAT4Events"]

_SIGNATURE_BYTES = 14
# what the camera says about signals at its connector
_RISING, _FALLING, _PULSE = 1, 2, 3


class AEDAT4Events(ArrayStream):
    """Events of the first event stream of a file.

    Args:
        path: The file.
        shift_time: Subtract the first time, as the times count from 1970.

    Raises:
        DataError: The file has no event stream.
        Damage: The header of the file cannot be read.
    """

    def __init__(self, path: Path, *, shift_time: bool) -> None:
        self._aedat = optional_import("aedat", extra="aedat")
        _check_description(path)
        with _damage("damaged header", path.stat().st_size):
            streams = self._aedat.Decoder(path).id_to_stream()
        found = [key for key, stream in sorted(streams.items()) if stream["type"] == "events"]
        if not found:
            kinds = ", ".join(stream["type"] for stream in streams.values()) or "nothing"
            raise DataError(f"AEDAT4 file without events; it holds {kinds}")
        self._stream = found[0]
        self._origin: int | None = None if shift_time else 0
        size = streams[self._stream]
        super().__init__(path, {}, size["height"], size["width"])

    def bound(self) -> None:
        """Tell nothing: only decompression shows how many events there are."""
        return

    def pieces(self) -> Iterator[Piece]:
        """Read the packets of the file.

        Raises:
            Damage: A packet is cut or damaged.
        """
        packets = iter(self._aedat.Decoder(self.path))
        for offset in self._offsets():
            with _damage("unreadable packet", offset):
                packet = next(packets, None)
            if packet is None:
                return
            if "triggers" in packet:
                self._add_triggers(packet["triggers"])
            elif packet["stream_id"] == self._stream and len(packet["events"]):
                events = packet["events"]
                yield Piece(offset, self._shifted(events), events["x"], events["y"], events["on"])

    def _offsets(self) -> Iterator[int]:
        """Find the packets, whose contents alone the package tells."""
        with self.path.open("rb") as file:
            file.seek(_SIGNATURE_BYTES)
            (header_size,) = struct.unpack("<I", file.read(4))
            offset = _SIGNATURE_BYTES + 4 + header_size
            while True:
                yield offset
                file.seek(offset + 4)
                size = file.read(4)
                offset += 8 + int.from_bytes(size, "little")

    def _shifted(self, rows: Any) -> np.ndarray[Any, np.dtype[np.int64]]:  # noqa: ANN401
        times = rows["t"].astype(np.int64)
        if self._origin is None:
            self._origin = int(times[0])
        return times - self._origin

    def _add_triggers(self, rows: Any) -> None:  # noqa: ANN401
        rows = rows[np.isin(rows["source"], (_RISING, _FALLING, _PULSE))]
        if not len(rows):
            return
        triggers = np.zeros(len(rows), TRIGGER_DTYPE)
        triggers["t"] = self._shifted(rows)
        triggers["edge"] = rows["source"] != _FALLING
        self.triggers = np.append(self.triggers, triggers)


def _check_description(path: Path) -> None:
    """See that the description of the streams is text, as the package would abort the process."""
    with path.open("rb") as file:
        file.seek(_SIGNATURE_BYTES)
        header = file.read(int.from_bytes(file.read(4), "little"))
    start = header.find(b"<")
    if start < 0:
        return
    try:
        header[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = _SIGNATURE_BYTES + 4 + start + error.start
        raise Damage("damaged header (no text)", offset) from None


@contextmanager
def _damage(what: str, offset: int) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        # the package, which is written in Rust, also panics, with an exception that has no class
        # to import and is no Exception
        if not isinstance(error, RuntimeError) and type(error).__name__ != "PanicException":
            raise
        raise Damage(f"{what} ({error})", offset) from None
