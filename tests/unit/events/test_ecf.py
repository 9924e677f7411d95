from __future__ import annotations

import struct

import numpy as np
import pytest

from lightning_face.events import EventArray
from lightning_face.events.ecf import decode_chunk, encode_chunk

ALL_PACKED, COLUMNS_PACKED, RUNS = 2, 1, 0


def runs_of(values):
    """Values with the number of times they repeat."""
    runs = []
    for value in values:
        if runs and runs[-1][0] == value:
            runs[-1][1] += 1
        else:
            runs.append([value, 1])
    return runs


def pack_bits(values, bits, word_bits):
    """Groups of four values, the highest bits first, in three words of as many bits."""
    values = [*values, *[0] * (-len(values) % 4)]
    words = []
    for a, b, c, d in zip(*(values[i::4] for i in range(4)), strict=True):
        spare = word_bits - bits
        low = bits // 3
        assert spare == low
        words += [a << low | b & (1 << low) - 1]
        words += [(b >> low) << 2 * low | c & (1 << 2 * low) - 1]
        words += [(c >> 2 * low) << 3 * low | d]
    return words


def chunk_of(events, coding):
    """The codec as it is described, value by value."""
    n = len(events)
    t, x, y, p = (array.tolist() for array in (events.t, events.x, events.y, events.p))
    data = struct.pack("<IQ", n << 2 | coding, t[0])
    now = t[0]
    for time, count in runs_of(t):
        step, now = time - now, time
        nibbles = []
        while step >= 15 or (nibbles and step):
            nibbles.append(0xF0 | step & 15)
            step >>= 4
        data += bytes(nibbles)
        data += bytes([step << 4 | min(count, 15)])
        data += struct.pack("<H", count) if count >= 15 else b""
    if coding == ALL_PACKED:
        values = [row << 12 | column << 1 | sign for column, row, sign in zip(x, y, p, strict=True)]
        words = pack_bits(values, 24, 32)
        return data + struct.pack(f"<{len(words)}I", *words)
    for row, count in runs_of(y):
        data += struct.pack("<H", row << 5 | min(count, 31))
        data += struct.pack("<H", count) if count >= 31 else b""
    if coding == COLUMNS_PACKED:
        values = [column << 1 | sign for column, sign in zip(x, p, strict=True)]
        words = pack_bits(values, 12, 16)
        return data + struct.pack(f"<{len(words)}H", *words)
    event = 0
    while event < n:
        first, mask = x[event], 0
        event += 1
        for step in range(1, 6):
            if event < n and x[event] == first + step:
                mask |= 1 << (5 - step)
                event += 1
        data += struct.pack("<H", first << 5 | mask)
    for sign, count in runs_of(p):
        data += bytes([sign << 7 | min(count, 127)])
        data += struct.pack("<H", count) if count >= 127 else b""
    return data


def draw_events(seed, number, like):
    """Events that the codec packs, or whose rows, columns and polarities it groups."""
    draw = np.random.default_rng(seed)
    t = 10 ** int(seed) + np.cumsum(draw.choice([0, 0, 1, 14, 15, 16, 300, 70_000], number))
    p = draw.integers(0, 2, number)
    x, y = draw.integers(0, 2048, number), draw.integers(0, 2048, number)
    if like in ("rows", "groups"):
        y = np.repeat(draw.integers(0, 2048, number), draw.integers(1, 60, number))[:number]
    if like == "groups":
        x = np.cumsum(draw.integers(1, 4, number)) % 2048
        p = np.repeat(draw.integers(0, 2, number), draw.integers(1, 200, number))[:number]
        t = np.sort(draw.choice(t[:9], number))
    return EventArray.from_arrays(t, x, y, p, 2048, 2048)


def decoded(data):
    found = decode_chunk(np.frombuffer(data, np.uint8))
    assert found is not None
    t, (x, y, p) = found
    return [t.tolist(), x.tolist(), y.tolist(), p.tolist()]


def columns(events):
    return [array.tolist() for array in (events.t, events.x, events.y, events.p)]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 17, 800])
@pytest.mark.parametrize("like", ["anything", "rows", "groups"])
@pytest.mark.parametrize("coding", [ALL_PACKED, COLUMNS_PACKED, RUNS])
def test_every_coding_is_decoded(number, like, coding):
    events = draw_events(number % 7, number, like)
    assert decoded(chunk_of(events, coding)) == columns(events)


@pytest.mark.parametrize(
    ("like", "coding"), [("anything", ALL_PACKED), ("rows", COLUMNS_PACKED), ("groups", RUNS)]
)
@pytest.mark.parametrize("number", [1, 3, 100, 16384, 65535])
def test_the_encoder_chooses_and_keeps_everything(number, like, coding):
    events = draw_events(3, number, like)
    data = encode_chunk(events)
    if number >= 100:
        assert data[0] & 3 == coding
        assert data == chunk_of(events, coding)
    assert decoded(data) == columns(events)


def test_long_runs_have_their_length_behind():
    zeros = np.zeros(60_000, int)
    events = EventArray.from_arrays(zeros + 9, zeros + 1, zeros + 2, zeros + 1, 9, 9)
    data = chunk_of(events, RUNS)
    assert decoded(data) == columns(events)
    assert len(data) == 4 + 8 + 3 + 4 + 2 * 60_000 + 3


def test_times_may_be_far_apart_and_steps_may_have_leading_zeros():
    far = EventArray.from_arrays([0, 2**62], [0, 1], [0, 0], [0, 1], 9, 9)
    assert decoded(encode_chunk(far)) == columns(far)
    times = struct.pack("<IQ", 1 << 2 | ALL_PACKED, 7) + bytes([0xF2, 0xF0, 0xF0, 0x31])
    assert decoded(times + bytes(12))[0] == [7 + 2 + 3]


@pytest.mark.parametrize("coding", [ALL_PACKED, COLUMNS_PACKED, RUNS])
def test_no_cut_of_a_chunk_is_taken_for_one(coding):
    data = np.frombuffer(chunk_of(draw_events(2, 40, "rows"), coding), np.uint8)
    assert decode_chunk(data) is not None
    assert all(decode_chunk(data[:size]) is None for size in range(len(data)))


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_never_harm(seed):
    data = np.random.default_rng(seed).integers(0, 256, 500, np.uint8)
    data[1:4] = (2, 0, 0)
    found = decode_chunk(data)
    assert found is None or len(found[0]) == int(data[0] >> 2) + 128


def test_more_events_than_a_chunk_may_have_are_refused():
    assert decode_chunk(np.frombuffer(struct.pack("<IQ", 65536 << 2, 0), np.uint8)) is None
