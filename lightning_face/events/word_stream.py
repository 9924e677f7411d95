"""Recordings that are a header and a stream of words: read in pieces, given out in blocks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.events.event_array import EventArray
from lightning_face.events.header import Damage, TextHeader

__all__ = ["TRIGGER_DTYPE", "Events", "WordStream", "state_dtype"]

TRIGGER_DTYPE = np.dtype([("t", np.int64), ("channel", np.uint8), ("edge", np.uint8)])
Events = tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint8]]

_PIECE_BYTES = 1 << 21
_TRIGGER_ROWS = 4096
# a word may bring up to 12 events, the last ones beyond the capacity of a block
_SLACK = 12


def state_dtype(*fields: str) -> np.dtype[np.void]:
    """Make the record that a decoder carries from one piece of a file to the next.

    Args:
        *fields: What this format needs beside the fields that all have.

    Returns:
        A record of int64: the size of the sensor in pixels (``height``, ``width``); whether times
        are to begin near zero (``shift``) and what is subtracted then (``origin``); whether the
        first time word has been seen (``started``); events outside the sensor (``outside``) and
        before the first time word (``early``); the time of the last event (``last``); how many
        events ran back in time (``backward``), by how much at most (``backward_us``) and the first
        such word of the present call, -1 without one (``backward_word``); the number of rows
        filled with ``triggers``; and the fields of the format.
    """
    common = (
        *("height", "width", "shift", "origin", "started", "outside", "early"),
        *("last", "backward", "backward_us", "backward_word", "triggers"),
    )
    return np.dtype([(name, np.int64) for name in (*common, *fields)])


class WordStream:
    """Events of one RAW or DAT file.

    Args:
        path: The file.
        header: Its header.
        start: First byte of the words.
        shift_time: Let the format's decoder subtract the time at which the recording began.
        word: Type of a word.
        state: Type of the decoder's record, see `state_dtype`.
        count: Gives an upper bound of the events in an array of words.
        decode: Fills events and triggers from words: (words, first word, state, t, x, y, p, events
            filled, capacity, triggers) to (first word not decoded, events filled).
    """

    def __init__(
        self,
        path: Path,
        header: TextHeader,
        start: int,
        *,
        shift_time: bool,
        word: np.dtype[Any],
        state: np.dtype[np.void],
        count: Callable[..., int],
        decode: Callable[..., tuple[int, int]],
    ) -> None:
        self.path = path
        self.header = header.fields
        self.height, self.width = header.sensor
        self.outside = 0
        self.triggers = np.empty(0, TRIGGER_DTYPE)
        self._start = start
        self._word = word
        self._count = count
        self._decode = decode
        self._state = np.zeros(1, state)
        self._state["height"], self._state["width"] = self.height, self.width
        self._state["shift"] = shift_time
        self._state["last"] = np.iinfo(np.int64).min

    def bound(self) -> int:
        """Count the events of the file, or somewhat more, without decoding them."""
        return sum(self._count(words) for _, words in self._pieces())

    def blocks(self, block_events: int) -> Iterator[EventArray]:
        """Decode the file from its first byte to its last; can be called once.

        Args:
            block_events: Events in each block but the last.

        Raises:
            Damage: The file ends within a word, or holds no time.
        """
        rows = np.empty(_TRIGGER_ROWS, TRIGGER_DTYPE)
        events = _allocate(block_events)
        filled = 0
        backward_offset = -1
        for offset, words in self._pieces():
            position = 0
            while position < len(words):
                self._state["triggers"] = 0
                self._state["backward_word"] = -1
                position, filled = self._decode(
                    words, position, self._state, *events, filled, block_events, rows
                )
                state = self._state[0]
                self.outside = int(state["outside"])
                if state["triggers"]:
                    self.triggers = np.append(self.triggers, rows[: state["triggers"]])
                    np.maximum.accumulate(self.triggers["t"], out=self.triggers["t"])
                if backward_offset < 0 <= state["backward_word"]:
                    backward_offset = offset + int(state["backward_word"]) * self._word.itemsize
                if filled >= block_events:
                    yield self._block(events, block_events)
                    finished, events = events, _allocate(block_events)
                    _carry_over(finished, events, block_events, filled)
                    filled -= block_events
        if filled:
            yield self._block(events, filled)
        self._check_end(backward_offset)

    def _pieces(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Read offsets and words of the whole file, without a word that was cut at its end."""
        with self.path.open("rb") as file:
            file.seek(self._start)
            offset = self._start
            while len(words := np.fromfile(file, self._word, _PIECE_BYTES // self._word.itemsize)):
                yield offset, words
                offset += words.nbytes

    def _block(self, events: Events, number: int) -> EventArray:
        t, x, y, p = events
        return EventArray(t[:number], x[:number], y[:number], p[:number], self.height, self.width)

    def _check_end(self, backward_offset: int) -> None:
        state = self._state[0]
        if state["backward"]:
            warnings.warn(
                f"{self.path}: the time runs back by up to {state['backward_us']} us, first at "
                f"byte {backward_offset}; events that got the time of the one before: "
                f"{state['backward']}",
                stacklevel=2,
            )
        if state["early"] and not state["started"]:
            raise Damage("there are events but no time words", self._start)
        size = self.path.stat().st_size
        torn = (size - self._start) % self._word.itemsize
        if torn:
            what = f"the file ends {torn} bytes into a word of {self._word.itemsize}"
            raise Damage(what, size - torn)


def _carry_over(
    finished: tuple[NDArray[Any], ...], events: tuple[NDArray[Any], ...], first: int, last: int
) -> None:
    for old, new in zip(finished, events, strict=True):
        new[: last - first] = old[first:last]


def _allocate(block_events: int) -> Events:
    size = block_events + _SLACK
    return (
        np.empty(size, np.int64),
        np.empty(size, np.uint16),
        np.empty(size, np.uint16),
        np.empty(size, np.uint8),
    )
