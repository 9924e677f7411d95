"""ECF, the compression of events in Prophesee's HDF5 files; importing this module imports numba.

A chunk holds a header, then the times, then rows, columns and polarities, each with its own run
lengths or all packed into fixed widths: the two lowest bits of the header tell which.

Source:
    The public description of the codec, https://github.com/prophesee-ai/hdf5_ecf.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_face.events.event_array import EventArray

__all__ = ["MAX_EVENTS", "decode_chunk", "encode_chunk"]

MAX_EVENTS = 65535

_ALL_PACKED = 2
_COLUMNS_PACKED = 1
_HEADER_BYTES = 4
_ORIGIN_BYTES = 8

# the codec's own choice: the first quarter of a chunk is looked at, and packing pays when fewer
# events than this share repeat the row, or continue a group of columns
_LOOKED_AT = 0.25
_REPEATED_ROWS = 0.20
_GROUPED_COLUMNS = 0.08


def decode_chunk(data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.uint16]] | None:
    """Decode the events of a chunk.

    Args:
        data: Bytes of the chunk (bytes,).

    Returns:
        Times in microseconds (events,), and columns, rows and polarities (3, events); None if
        the bytes are no complete chunk.
    """
    if len(data) < _HEADER_BYTES + _ORIGIN_BYTES:
        return None
    header = int.from_bytes(data[:_HEADER_BYTES].tobytes(), "little")
    number = header >> 2
    if number > MAX_EVENTS:
        return None
    # packed groups of four may bring three values more
    t = np.empty(number, np.int64)
    xyp = np.empty((3, number + 3), np.uint16)
    position = _decode_times(data, _HEADER_BYTES, t)
    if header & _ALL_PACKED:
        position = _decode_packed(data, position, number, xyp)
    else:
        position = _decode_runs(data, position, xyp[1, :number], 2, 5)
        if header & _COLUMNS_PACKED:
            position = _decode_packed_columns(data, position, number, xyp)
        else:
            position = _decode_columns(data, position, xyp[0, :number])
            position = _decode_runs(data, position, xyp[2, :number], 1, 7)
    return None if position < 0 else (t, xyp[:, :number])


@njit(cache=True, nogil=True)
def _little_endian(data: NDArray[np.uint8], position: int, size: int) -> int:
    value = 0
    for byte in range(size):
        value |= int(np.int64(data[position + byte])) << (8 * byte)
    return value


@njit(cache=True, nogil=True)
def _decode_times(data: NDArray[np.uint8], position: int, t: NDArray[np.int64]) -> int:
    now = _little_endian(data, position, 8)
    position += 8
    filled = 0
    while filled < len(t):
        if position >= len(data):
            return -1
        byte = _little_endian(data, position, 1)
        step, count = byte >> 4, byte & 15
        position += 1
        if step == 15:
            # a longer step comes as nibbles, lowest first
            step = count
            shift = 4
            while position < len(data) and data[position] >> 4 == 15 and shift < 64:
                step |= (_little_endian(data, position, 1) & 15) << shift
                shift += 4
                position += 1
            now += step
            continue
        if count == 15:
            if position + 2 > len(data):
                return -1
            count = _little_endian(data, position, 2)
            position += 2
        if count > len(t) - filled:
            return -1
        now += step
        t[filled : filled + count] = now
        filled += count
    return position


@njit(cache=True, nogil=True)
def _decode_runs(
    data: NDArray[np.uint8], position: int, values: NDArray[np.uint16], size: int, bits: int
) -> int:
    """Decode values with run lengths in their lowest bits; all ones: the length is what follows."""
    if position < 0:
        return -1
    long_run = (1 << bits) - 1
    filled = 0
    while filled < len(values):
        if position + size > len(data):
            return -1
        word = _little_endian(data, position, size)
        position += size
        count = word & long_run
        if count == long_run:
            if position + 2 > len(data):
                return -1
            count = _little_endian(data, position, 2)
            position += 2
        if count > len(values) - filled:
            return -1
        values[filled : filled + count] = word >> bits
        filled += count
    return position


@njit(cache=True, nogil=True)
def _decode_columns(data: NDArray[np.uint8], position: int, x: NDArray[np.uint16]) -> int:
    if position < 0:
        return -1
    filled = 0
    while filled < len(x):
        if position + 2 > len(data):
            return -1
        word = _little_endian(data, position, 2)
        position += 2
        x[filled] = word >> 5
        filled += 1
        for step in range(1, 6):
            if word >> (5 - step) & 1 and filled < len(x):
                x[filled] = (word >> 5) + step
                filled += 1
    return position


@njit(cache=True, nogil=True)
def _decode_packed_columns(
    data: NDArray[np.uint8], position: int, number: int, xyp: NDArray[np.uint16]
) -> int:
    groups = (number + 3) // 4
    if position < 0 or position + 6 * groups > len(data):
        return -1
    values = np.empty(4, np.int64)
    for group in range(groups):
        a = _little_endian(data, position, 2)
        b = _little_endian(data, position + 2, 2)
        c = _little_endian(data, position + 4, 2)
        position += 6
        values[0] = a >> 4
        values[1] = (a & 0xF) | b >> 8 << 4
        values[2] = (b & 0xFF) | c >> 12 << 8
        values[3] = c & 0xFFF
        for event in range(4):
            xyp[0, 4 * group + event] = values[event] >> 1
            xyp[2, 4 * group + event] = values[event] & 1
    return position


@njit(cache=True, nogil=True)
def _decode_packed(
    data: NDArray[np.uint8], position: int, number: int, xyp: NDArray[np.uint16]
) -> int:
    groups = (number + 3) // 4
    if position < 0 or position + 12 * groups > len(data):
        return -1
    values = np.empty(4, np.int64)
    for group in range(groups):
        a = _little_endian(data, position, 4)
        b = _little_endian(data, position + 4, 4)
        c = _little_endian(data, position + 8, 4)
        position += 12
        values[0] = a >> 8
        values[1] = (a & 0xFF) | b >> 16 << 8
        values[2] = (b & 0xFFFF) | c >> 24 << 16
        values[3] = c & 0xFFFFFF
        for event in range(4):
            xyp[0, 4 * group + event] = values[event] >> 1 & 0x7FF
            xyp[1, 4 * group + event] = values[event] >> 12 & 0x7FF
            xyp[2, 4 * group + event] = values[event] & 1
    return position


def encode_chunk(events: EventArray) -> bytes:
    """Encode events as the codec itself does.

    Args:
        events: 1 to 65535 events from time 0 on, columns and rows below 2048.

    Returns:
        Bytes of the chunk.
    """
    # times take at most 16 bytes an event before and 1 after their step, the rest at most 5
    data = np.empty(64 + 24 * len(events), np.uint8)
    packed = _packing(events.x, events.y)
    header = len(events) << 2 | int(packed)
    data[:_HEADER_BYTES] = np.frombuffer(header.to_bytes(_HEADER_BYTES, "little"), np.uint8)
    used = _encode_times(events.t, data, _HEADER_BYTES)
    if packed == _ALL_PACKED:
        return data[:used].tobytes() + _pack(events)
    used = _encode_runs(events.y, data, used, 2, 5)
    if packed == _COLUMNS_PACKED:
        return data[:used].tobytes() + _pack_columns(events)
    used = _encode_columns(events.x, data, used)
    used = _encode_runs(events.p, data, used, 1, 7)
    return data[:used].tobytes()


@njit(cache=True, nogil=True)
def _packing(x: NDArray[np.uint16], y: NDArray[np.uint16]) -> int:
    looked_at = len(x) if len(x) < 4 / _LOOKED_AT else int(_LOOKED_AT * len(x) + 0.5)
    repeated = 0
    for event in range(1, looked_at):
        repeated += y[event] == y[event - 1]
    if repeated <= int(looked_at * _REPEATED_ROWS + 0.5):
        return _ALL_PACKED
    grouped = 0
    first = x[0]
    for event in range(1, looked_at):
        if x[event - 1] < x[event] <= first + 5:
            grouped += 1
        else:
            first = x[event]
    return _COLUMNS_PACKED if grouped <= int(looked_at * _GROUPED_COLUMNS + 0.5) else 0


@njit(cache=True, nogil=True)
def _encode_times(t: NDArray[np.int64], data: NDArray[np.uint8], used: int) -> int:
    now = t[0]
    for byte in range(8):
        data[used + byte] = now >> (8 * byte) & 0xFF
    used += 8
    event = 0
    while event < len(t):
        step = t[event] - now
        if step >= 15:
            while step > 0:
                data[used] = 0xF0 | (step & 15)
                used += 1
                step >>= 4
        now = t[event]
        count = 1
        while event + count < len(t) and t[event + count] == now:
            count += 1
        data[used] = step << 4 | min(count, 15)
        used += 1
        if count >= 15:
            data[used] = count & 0xFF
            data[used + 1] = count >> 8
            used += 2
        event += count
    return used


@njit(cache=True, nogil=True)
def _encode_runs(
    values: NDArray[np.unsignedinteger], data: NDArray[np.uint8], used: int, size: int, bits: int
) -> int:
    long_run = (1 << bits) - 1
    event = 0
    while event < len(values):
        count = 1
        while event + count < len(values) and values[event + count] == values[event]:
            count += 1
        word = np.int64(values[event]) << bits | min(count, long_run)
        data[used] = word & 0xFF
        if size == 2:
            data[used + 1] = word >> 8
        used += size
        if count >= long_run:
            data[used] = count & 0xFF
            data[used + 1] = count >> 8
            used += 2
        event += count
    return used


@njit(cache=True, nogil=True)
def _encode_columns(x: NDArray[np.uint16], data: NDArray[np.uint8], used: int) -> int:
    event = 0
    while event < len(x):
        first = np.int64(x[event])
        word = first << 5
        event += 1
        for step in range(1, 6):
            if event < len(x) and x[event] == first + step:
                word |= 1 << (5 - step)
                event += 1
        data[used] = word & 0xFF
        data[used + 1] = word >> 8
        used += 2
    return used


def _pack_columns(events: EventArray) -> bytes:
    values = _groups_of_four(events.x.astype(np.uint32) << 1 | events.p)
    words = np.empty((len(values), 3), "<u2")
    words[:, 0] = values[:, 0] << 4 | values[:, 1] & 0xF
    words[:, 1] = values[:, 1] >> 4 << 8 | values[:, 2] & 0xFF
    words[:, 2] = values[:, 2] >> 8 << 12 | values[:, 3]
    return words.tobytes()


def _pack(events: EventArray) -> bytes:
    rows = events.y.astype(np.uint32) << 12
    values = _groups_of_four(rows | events.x.astype(np.uint32) << 1 | events.p)
    words = np.empty((len(values), 3), "<u4")
    words[:, 0] = values[:, 0] << 8 | values[:, 1] & 0xFF
    words[:, 1] = values[:, 1] >> 8 << 16 | values[:, 2] & 0xFFFF
    words[:, 2] = values[:, 2] >> 16 << 24 | values[:, 3]
    return words.tobytes()


def _groups_of_four(values: NDArray[np.integer]) -> NDArray[np.uint32]:
    padded = np.zeros(-(-len(values) // 4) * 4, np.uint32)
    padded[: len(values)] = values
    return padded.reshape(-1, 4)
