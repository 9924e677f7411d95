"""EVT2, the 32-bit words of older Prophesee cameras; importing this module imports numba.

A word has its type in the upper four bits. An event carries the lower six bits of its time, in
microseconds; the bits above hold from one time word to the next.
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

__all__ = ["WORD", "encode_evt2", "open_evt2"]

WORD = np.dtype("<u4")
_STATE = state_dtype("high", "rounds")
_ENCODER_STATE = np.dtype([(name, np.int64) for name in ("event", "trigger", "high")])

_BRIGHTER = 0x1
_TIME_HIGH = 0x8
_EXT_TRIGGER = 0xA

_LAST_HIGH = (1 << 28) - 1
# the clock began its next round if a time word is smaller by nearly all of it
_ROUND_STEP_US = _LAST_HIGH * 64 - 10_000


def open_evt2(path: Path, header: TextHeader, *, shift_time: bool) -> WordStream:
    """Open the words of a file.

    Args:
        path: A RAW file in this format.
        header: Its header.
        shift_time: Subtract the first time word, as Metavision does.
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
def _count(words: NDArray[np.uint32]) -> int:
    events = 0
    for word in words:
        events += word >> 28 <= _BRIGHTER
    return events


@njit(cache=True, nogil=True)
def _decode(
    words: NDArray[np.uint32],
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
    started, high, rounds, last = state.started, state.high, state.rounds, state.last
    height, width, num_triggers = state.height, state.width, state.triggers
    position = begin
    while not started and position < len(words):
        kind = words[position] >> 28
        if kind == _TIME_HIGH:
            started = 1
            high = np.int64(words[position]) & _LAST_HIGH
            if state.shift:
                state.origin = high << 6
        elif kind <= _BRIGHTER:
            state.early += 1
        position += 1
    base = (rounds << 34) + (high << 6) - state.origin
    while position < len(words) and filled < capacity and num_triggers < len(triggers):
        word = np.int64(words[position])
        kind = word >> 28
        if kind <= _BRIGHTER:
            row = word & 0x7FF
            column = word >> 11 & 0x7FF
            if row >= height or column >= width:
                state.outside += 1
            else:
                time = base + (word >> 22 & 0x3F)
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
                p[filled] = kind
                filled += 1
        elif kind == _TIME_HIGH:
            payload = word & _LAST_HIGH
            if (high - payload) << 6 >= _ROUND_STEP_US:
                rounds += 1
            high = payload
            base = (rounds << 34) + (high << 6) - state.origin
        elif kind == _EXT_TRIGGER:
            triggers[num_triggers].t = base + (word >> 22 & 0x3F)
            triggers[num_triggers].channel = word >> 8 & 0x1F
            triggers[num_triggers].edge = word & 1
            num_triggers += 1
        position += 1
    state.started, state.high, state.rounds, state.last = started, high, rounds, last
    state.triggers = num_triggers
    return position, filled


def encode_evt2(blocks: Iterable[tuple[EventArray, NDArray[np.void]]]) -> Iterator[bytes]:
    """Turn events into words.

    The first time word is that of time 0, so the times come back whether or not they are shifted
    on reading.

    Args:
        blocks: Events with the triggers that belong among them.

    Yields:
        Words as bytes.
    """
    state = np.zeros(1, _ENCODER_STATE)
    words = np.empty(1 << 19, WORD)
    words[0] = _TIME_HIGH << 28
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
    words: NDArray[np.uint32],
) -> int:
    state = states[0]
    used = 0
    while used < len(words):
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
        high = time >> 6
        if high != state.high:
            # the last time word of a round and the first of the next make the reader count it
            if high >> 28 != state.high >> 28:
                at_end = state.high & _LAST_HIGH == _LAST_HIGH
                high = state.high + 1 if at_end else state.high | _LAST_HIGH
            state.high = high
            words[used] = _TIME_HIGH << 28 | (high & _LAST_HIGH)
        elif is_trigger:
            trigger = triggers[state.trigger]
            words[used] = (
                _EXT_TRIGGER << 28
                | (time & 0x3F) << 22
                | (trigger.channel & 0x1F) << 8
                | (trigger.edge & 1)
            )
            state.trigger += 1
        else:
            event = state.event
            words[used] = (
                np.int64(p[event]) << 28
                | (time & 0x3F) << 22
                | np.int64(x[event]) << 11
                | np.int64(y[event])
            )
            state.event += 1
        used += 1
    return used
