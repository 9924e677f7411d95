"""DAT, the fixed-size records of Prophesee's data sets; importing this module imports numba."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_face.events.event_array import EventArray
from lightning_face.events.header import Damage, TextHeader
from lightning_face.events.word_stream import WordStream, state_dtype

__all__ = ["RECORD", "encode_dat", "open_dat"]

RECORD = np.dtype([("t", "<u4"), ("xyp", "<u4")])
_STATE = state_dtype("rounds", "clock")
_EVENT_TYPES = (0x00, 0x0C)
_HALF_ROUND_US = 1 << 31


def open_dat(path: Path, header: TextHeader) -> WordStream:
    """Open the records of a file, whose times are never shifted.

    Args:
        path: A DAT file.
        header: Its header.

    Raises:
        Damage: The file ends before its records, or they are not those of changes of brightness.
    """
    with path.open("rb") as file:
        file.seek(header.size)
        kind = file.read(2)
    if len(kind) < 2:
        raise Damage("the file ends within its header", header.size + len(kind))
    if kind[0] not in _EVENT_TYPES or kind[1] != RECORD.itemsize:
        what = f"records of type {kind[0]} and {kind[1]} bytes are no changes of brightness"
        raise Damage(what, header.size)
    return WordStream(
        path,
        header,
        header.size + 2,
        shift_time=False,
        word=RECORD,
        state=_STATE,
        count=len,
        decode=_decode,
    )


@njit(cache=True, nogil=True)
def _decode(
    records: NDArray[np.void],
    begin: int,
    states: NDArray[np.void],
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    filled: int,
    capacity: int,
    triggers: NDArray[np.void],
) -> tuple[int, int]:
    state = states[0]
    rounds, clock, last = state.rounds, state.clock, state.last
    height, width = state.height, state.width
    position = begin
    while position < len(records) and filled < capacity:
        now = np.int64(records[position].t)
        word = np.int64(records[position].xyp)
        if clock - now >= _HALF_ROUND_US:
            rounds += 1
        clock = now
        column = word & 0x3FFF
        row = word >> 14 & 0x3FFF
        if row >= height or column >= width:
            state.outside += 1
        else:
            time = (rounds << 32) + now
            if time < last:
                state.backward += 1
                state.backward_us = max(state.backward_us, last - time)
                if state.backward_word < 0:
                    state.backward_word = position
                time = last
            last = time
            t[filled] = time
            x[filled] = column
            y[filled] = row
            p[filled] = word >> 28 & 1
            filled += 1
        position += 1
    state.rounds, state.clock, state.last = rounds, clock, last
    return position, filled


def encode_dat(blocks: Iterable[tuple[EventArray, NDArray[np.void]]]) -> Iterator[bytes]:
    """Turn events into records; the format has no place for triggers.

    Args:
        blocks: Events, and triggers that are left out.

    Yields:
        The bytes that tell the type of the records, then the records.
    """
    yield bytes((_EVENT_TYPES[1], RECORD.itemsize))
    for events, _ in blocks:
        records = np.empty(len(events), RECORD)
        records["t"] = events.t
        records["xyp"] = (
            events.x.astype(np.uint32)
            | events.y.astype(np.uint32) << 14
            | events.p.astype(np.uint32) << 28
        )
        yield records.tobytes()
