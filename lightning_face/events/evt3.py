"""EVT3, the 16-bit words of recent Prophesee cameras; importing this module imports numba.

A word has its type in the upper four bits. Rows, times and the base of a group of columns are
words of their own and hold until the next of their kind, so a decoder carries them along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_face.events.event_array import EventArray
from lightning_face.events.header import TextHeader
from lightning_face.events.word_stream import WordStream, state_dtype

__all__ = ["WORD", "encode_evt3", "open_evt3"]

WORD = np.dtype("<u2")
_STATE = state_dtype("loop", "high", "low", "y", "base", "polarity")
_ENCODER_STATE = np.dtype([(name, np.int64) for name in ("event", "trigger", "high", "low", "y")])

_ADDR_Y = 0x0
_ADDR_X = 0x2
_VECT_BASE_X = 0x3
_VECT_12 = 0x4
_VECT_8 = 0x5
_TIME_LOW = 0x6
_TIME_HIGH = 0x8
_EXT_TRIGGER = 0xA

# a time word that is smaller by this much began the next round of the 24-bit clock
_HALF_ROUND = 2048

_BITS = np.array([mask.bit_count() for mask in range(4096)], np.uint8)
_LOWEST_BIT = np.array([(mask & -mask).bit_length() - 1 for mask in range(4096)], np.int8)


def open_evt3(path: Path, header: TextHeader, *, shift_time: bool) -> WordStream:
    """Open the words of a file.

    Args:
        path: A RAW file in this format.
        header: Its header.
        shift_time: Subtract the time of the 4096 microseconds before the first time word, as
            Metavision does, so that a recording begins between about 4 and 8 milliseconds.
    """
    return WordStream(
        path,
        header,
        header.size,
        shift_time=shift_time,
        word=WORD,
        state=_STATE,
        count=_count,
        decode=_decode,
    )


@njit(cache=True, nogil=True)
def _count(words: NDArray[np.uint16]) -> int:
    events = 0
    for word in words:
        kind = word >> 12
        if kind == _ADDR_X:
            events += 1
        elif kind == _VECT_12:
            events += _BITS[word & 0xFFF]
        elif kind == _VECT_8:
            events += _BITS[word & 0xFF]
    return events


@njit(cache=True, nogil=True)
def _decode(
    words: NDArray[np.uint16],
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
    # locals stay in registers, fields of the record would be stored after every word
    started, loop, high, low = state.started, state.loop, state.high, state.low
    row, base, polarity = state.y, state.base, state.polarity
    height, width = state.height, state.width
    last, outside, num_triggers = state.last, state.outside, state.triggers
    position = begin
    while not started and position < len(words):
        kind = words[position] >> 12
        if kind == _TIME_HIGH:
            started = 1
            high = np.int64(words[position]) & 0xFFF
            if state.shift and high:
                state.origin = high - 1 << 12
        elif kind in (_ADDR_X, _VECT_12, _VECT_8):
            state.early += 1
        position += 1
    now = (loop << 24) + (high << 12) + low - state.origin
    while position < len(words) and filled < capacity and num_triggers < len(triggers):
        word = np.int64(words[position])
        kind = word >> 12
        payload = word & 0xFFF
        if kind in (_ADDR_X, _VECT_12, _VECT_8):
            if kind == _ADDR_X:
                mask = np.int64(1)
                first = payload & 0x7FF
                brighter = payload >> 11
            else:
                mask = payload if kind == _VECT_12 else payload & 0xFF
                first = base
                brighter = polarity
                base += 12 if kind == _VECT_12 else 8
            columns = width - first if row < height else 0
            if columns < 12:
                inside = mask & (1 << max(columns, 0)) - 1
                outside += _BITS[mask] - _BITS[inside]
                mask = inside
            if mask:
                time = now
                if time < last:
                    state.backward += _BITS[mask]
                    state.backward_us = max(state.backward_us, last - time)
                    if state.backward_word < 0:
                        state.backward_word = position
                    time = last
                last = time
                while mask:
                    t[filled] = time
                    x[filled] = first + _LOWEST_BIT[mask]
                    y[filled] = row
                    p[filled] = brighter
                    filled += 1
                    mask &= mask - 1
        elif kind == _ADDR_Y:
            row = payload
        elif kind == _TIME_LOW:
            low = payload
            now = (loop << 24) + (high << 12) + low - state.origin
        elif kind == _TIME_HIGH:
            if high >= _HALF_ROUND + payload:
                loop += 1
            if payload != high:
                low = 0
            high = payload
            now = (loop << 24) + (high << 12) + low - state.origin
        elif kind == _VECT_BASE_X:
            base = payload & 0x7FF
            polarity = payload >> 11
        elif kind == _EXT_TRIGGER:
            triggers[num_triggers].t = now
            triggers[num_triggers].channel = payload >> 8
            triggers[num_triggers].edge = payload & 1
            num_triggers += 1
        position += 1
    state.started, state.loop, state.high, state.low = started, loop, high, low
    state.y, state.base, state.polarity = row, base, polarity
    state.last, state.outside, state.triggers = last, outside, num_triggers
    return position, filled


def encode_evt3(blocks: Iterable[tuple[EventArray, NDArray[np.void]]]) -> Iterator[bytes]:
    """Turn events into words, three or more of a row and time into vectors.

    The first time word is that of time 0, so the times come back whether or not they are shifted
    on reading. Like a camera's, the stream has a time word every 4096 microseconds.

    Args:
        blocks: Events with the triggers that belong among them.

    Yields:
        Words as bytes.
    """
    state = np.zeros(1, _ENCODER_STATE)
    # no row and no time within the 4096 microseconds has been written
    state["y"] = state["low"] = -1
    words = np.empty(1 << 20, WORD)
    words[0] = _TIME_HIGH << 12
    yield words[:1].tobytes()
    for events, triggers in blocks:
        state["event"] = state["trigger"] = 0
        while state["event"] < len(events) or state["trigger"] < len(triggers):
            used = _encode(events.t, events.x, events.y, events.p, triggers, state, words)
            yield words[:used].tobytes()


@njit(cache=True, nogil=True)
def _encode(
    t: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    triggers: NDArray[np.void],
    states: NDArray[np.void],
    words: NDArray[np.uint16],
) -> int:
    state = states[0]
    used = 0
    # one turn of the loop writes at most four words
    while used <= len(words) - 4:
        is_event = state.event < len(t)
        is_trigger = state.trigger < len(triggers)
        if is_trigger and is_event:
            is_event = t[state.event] < triggers[state.trigger].t
            is_trigger = not is_event
        if is_event:
            time = t[state.event]
        elif is_trigger:
            time = triggers[state.trigger].t
        else:
            break
        if time >> 12 > state.high:
            state.high += 1
            # decoders differ in whether a new upper part resets the lower one
            state.low = -1
            words[used] = _TIME_HIGH << 12 | (state.high & 0xFFF)
            used += 1
            continue
        low = time & 0xFFF
        if low != state.low:
            state.low = low
            words[used] = _TIME_LOW << 12 | low
            used += 1
        if is_trigger:
            trigger = triggers[state.trigger]
            words[used] = _EXT_TRIGGER << 12 | (trigger.channel & 0xF) << 8 | (trigger.edge & 1)
            used += 1
            state.trigger += 1
            continue
        first = state.event
        if y[first] != state.y:
            state.y = y[first]
            words[used] = _ADDR_Y << 12 | y[first]
            used += 1
        column = np.int64(x[first])
        mask = 1
        last = first + 1
        while (
            last < len(t)
            and t[last] == time
            and y[last] == y[first]
            and p[last] == p[first]
            and x[last - 1] < x[last] < column + 12
        ):
            mask |= 1 << (x[last] - column)
            last += 1
        if last - first < 3:
            words[used] = _ADDR_X << 12 | np.int64(p[first]) << 11 | column
            used += 1
            state.event = first + 1
            continue
        words[used] = _VECT_BASE_X << 12 | np.int64(p[first]) << 11 | column
        words[used + 1] = _VECT_12 << 12 | mask
        used += 2
        state.event = last
    return used
