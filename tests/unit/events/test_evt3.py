from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventArray, EventReader, read_events, write_evt3
from lightning_face.events.word_stream import TRIGGER_DTYPE

HEADER = b"% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n"
ADDR_Y, ADDR_X, VECT_BASE_X, VECT_12, VECT_8 = 0x0000, 0x2000, 0x3000, 0x4000, 0x5000
TIME_LOW, CONTINUED_4, TIME_HIGH, EXT_TRIGGER = 0x6000, 0x7000, 0x8000, 0xA000
OTHERS, CONTINUED_12 = 0xE000, 0xF000
BRIGHTER = 0x800
SECOND_CAMERA = 0x800


@pytest.fixture
def write_words(tmp_path):
    def write(words, header=HEADER):
        path = tmp_path / "recording.raw"
        path.write_bytes(header + np.asarray(words, "<u2").tobytes())
        return path

    return write


def decode_word_by_word(words, height=720, width=1280, shift_time=True):
    """The format as it is described, one word after the other."""
    events, triggers = [], []
    high = None
    loop = low = y = base = polarity = origin = 0
    for word in map(int, words):
        kind, c = word & 0xF000, word & 0xFFF
        if kind == TIME_HIGH:
            if high is None:
                origin = max(c - 1, 0) << 12 if shift_time else 0
                low = 0
            elif high >= 2048 + c:
                loop += 1
            if c != high:
                low = 0
            high = c
        if high is None:
            continue
        time = (loop << 24) + (high << 12) + low - origin
        if kind == ADDR_Y:
            y = c
        elif kind == ADDR_X:
            events.append((time, c & 0x7FF, y, c >> 11))
        elif kind == VECT_BASE_X:
            base, polarity = c & 0x7FF, c >> 11
        elif kind in (VECT_12, VECT_8):
            size = 12 if kind == VECT_12 else 8
            events += [(time, base + i, y, polarity) for i in range(size) if c >> i & 1]
            base += size
        elif kind == TIME_LOW:
            low = c
        elif kind == EXT_TRIGGER:
            triggers.append((time, c >> 8, c & 1))
    inside = [event for event in events if event[1] < width and event[2] < height]
    return held(inside), held(triggers)


def held(rows):
    """Let times that run back keep the one before."""
    times = np.maximum.accumulate([row[0] for row in rows])
    return [(int(time), *row[1:]) for time, row in zip(times, rows, strict=True)]


def rows(events):
    return list(
        zip(
            *(array.tolist() for array in (events.t, events.x, events.y, events.p)),
            strict=True,
        )
    )


def random_words(seed, number=4000):
    """Words of all kinds, whose upper times mostly go on and sometimes begin a new round."""
    draw = np.random.default_rng(seed)
    kinds = draw.choice(16, number, p=[0.08, 0.01, 0.3, 0.1, 0.15, 0.06, 0.12, *[0.18 / 9] * 9])
    words = kinds.astype(np.uint32) << 12 | draw.integers(0, 4096, number, np.uint32)
    is_row = kinds == ADDR_Y >> 12
    words[is_row] = draw.integers(0, 800, is_row.sum())
    high = draw.integers(0, 4096) + np.cumsum(draw.integers(0, 900, number))
    is_high = kinds == TIME_HIGH >> 12
    words[is_high] = TIME_HIGH | high[is_high] % 4096
    return words.astype("<u2")


@pytest.mark.parametrize("shift_time", [True, False])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore:.*the time runs back")
def test_random_words_decode_as_one_after_the_other(write_words, seed, shift_time):
    words = random_words(seed)
    path = write_words(words)
    events, triggers = decode_word_by_word(words, shift_time=shift_time)
    with EventReader(path, shift_time=shift_time, block_events=999) as reader:
        decoded = [row for block in reader for row in rows(block)]
    assert len(events) > 1000
    assert decoded == events
    assert reader.triggers.tolist() == triggers
    assert rows(read_events(path, shift_time=shift_time)) == events


@pytest.mark.filterwarnings("ignore:.*the time runs back")
@pytest.mark.parametrize("block_events", [1, 2, 3, 7, 11, 12, 13, 100, 10**6])
def test_blocks_join_to_the_whole(write_words, block_events, monkeypatch):
    # pieces of five words cut times, vectors and groups of triggers anywhere
    monkeypatch.setattr("lightning_face.events.word_stream._PIECE_BYTES", 10)
    monkeypatch.setattr("lightning_face.events.word_stream._TRIGGER_ROWS", 2)
    path = write_words(random_words(9, number=1200))
    whole = EventReader(path)
    expected = rows(whole.read())
    reader = EventReader(path, block_events=block_events)
    blocks = list(reader)
    assert [len(block) for block in blocks[:-1]] == [block_events] * (len(blocks) - 1)
    assert [row for block in blocks for row in rows(block)] == expected
    assert reader.triggers.tolist() == whole.triggers.tolist()
    assert len(reader.triggers) > 10
    assert reader.outside == whole.outside > 0
    assert [row for block in reader for row in rows(block)] == expected, "read again"


def test_vectors_set_columns_from_the_lowest_bit_on(write_words):
    words = [
        *(TIME_HIGH | 1, TIME_LOW | 5, ADDR_Y | 3, VECT_BASE_X | BRIGHTER | 100),
        *(VECT_12 | 0b100000000001, VECT_8 | 0xF81, ADDR_X | 7, VECT_12 | 1),
    ]
    assert rows(read_events(write_words(words))) == [
        *((4101, 100, 3, 1), (4101, 111, 3, 1), (4101, 112, 3, 1), (4101, 119, 3, 1)),
        *((4101, 7, 3, 0), (4101, 120, 3, 1)),
    ]


def test_a_vector_may_reach_over_the_edge(write_words):
    words = [TIME_HIGH | 1, ADDR_Y | 719, VECT_BASE_X | 1278, VECT_12 | 0xFFF]
    reader = EventReader(write_words(words))
    assert reader.read().x.tolist() == [1278, 1279]
    assert reader.outside == 10


def test_rows_of_the_second_camera_are_left_out(write_words):
    words = [
        *(TIME_HIGH, ADDR_Y | SECOND_CAMERA | 5, ADDR_X | 9, VECT_BASE_X | 0, VECT_12 | 0xFFF),
        *(ADDR_Y | 5, ADDR_X | 9),
    ]
    reader = EventReader(write_words(words))
    assert rows(reader.read()) == [(0, 9, 5, 0)]
    assert reader.outside == 13


def test_everything_before_the_first_time_is_left_out(write_words):
    words = [ADDR_Y | 5, TIME_LOW | 9, ADDR_X | 3, EXT_TRIGGER | 1, TIME_HIGH, ADDR_X | 4]
    reader = EventReader(write_words(words))
    assert rows(reader.read()) == [(0, 4, 0, 0)]
    assert len(reader.triggers) == 0


@pytest.mark.parametrize("kind", [0x1000, CONTINUED_4, 0x9000, 0xB000, 0xC000, 0xD000])
def test_unknown_words_are_skipped(write_words, kind):
    words = [TIME_HIGH, kind | 0xFFF, ADDR_Y | 1, kind, OTHERS | 22, CONTINUED_12 | 9, ADDR_X | 2]
    assert rows(read_events(write_words(words))) == [(0, 2, 1, 0)]


def test_equal_upper_times_keep_the_lower_one(write_words):
    words = [TIME_HIGH, TIME_LOW | 8, TIME_HIGH, ADDR_X, TIME_HIGH | 1, ADDR_X | 1]
    assert read_events(write_words(words)).t.tolist() == [8, 4096]


@pytest.mark.parametrize("step", [1, 700, 2048])
def test_rounds_of_the_clock_are_counted_with_sparse_times(write_words, step):
    highs = np.arange(4000, 4000 + 3 * 4096, step)
    words = np.stack([TIME_HIGH | highs % 4096, ADDR_X + 0 * highs], 1).ravel()
    expected = highs * 4096
    path = write_words(words)
    assert read_events(path, shift_time=False).t.tolist() == expected.tolist()
    assert read_events(path).t.tolist() == (expected - 3999 * 4096).tolist()


@pytest.mark.parametrize(("first", "origin"), [(0, 0), (1, 0), (2, 1), (1220, 1219)])
def test_shifted_recordings_begin_after_one_upper_step(write_words, first, origin):
    path = write_words([TIME_HIGH | first, TIME_LOW | 44, ADDR_X, EXT_TRIGGER | 0x301])
    reader = EventReader(path)
    assert reader.read().t.tolist() == [(first - origin) * 4096 + 44]
    assert reader.triggers.tolist() == [((first - origin) * 4096 + 44, 3, 1)]
    assert read_events(path, shift_time=False).t.tolist() == [first * 4096 + 44]


def test_times_that_run_back_are_held_and_reported(write_words):
    words = [TIME_HIGH, TIME_LOW | 90, ADDR_X, TIME_LOW | 20, ADDR_X, ADDR_X, TIME_LOW | 95, ADDR_X]
    path = write_words(words)
    with pytest.warns(UserWarning, match=rf"up to 70 us, first at byte {len(HEADER) + 8}; .*: 2"):
        assert read_events(path).t.tolist() == [90, 90, 90, 95]


def test_recordings_may_be_empty(write_words):
    for words in ([], [TIME_HIGH | 4, TIME_LOW | 2]):
        events = read_events(write_words(words))
        assert len(events) == 0
        assert (events.height, events.width) == (720, 1280)


def test_data_without_times_are_damage(write_words):
    path = write_words([ADDR_Y | 3, ADDR_X | 4] * 5)
    with pytest.raises(DataError, match=rf"recording.raw: .*no time words \(byte {len(HEADER)}\)"):
        read_events(path)


def test_a_cut_word_is_damage_at_its_first_byte(write_words):
    words = [TIME_HIGH, ADDR_X | 4, ADDR_X | 5]
    path = write_words(words)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"recording.raw: .*\(byte {len(HEADER) + 4}\)"):
        read_events(path)
    with pytest.warns(UserWarning, match=rf"byte {len(HEADER) + 4}") as caught:
        assert read_events(path, errors="salvage").x.tolist() == [4]
    assert len(caught) == 1


@pytest.mark.parametrize("end", [2, 3000, 20_000_000, 100_000_000])
def test_written_events_come_back(tmp_path, make_events, end):
    events = make_events(count=3000, height=720, width=1280, start_us=0, duration_us=end, seed=end)
    write_evt3(tmp_path / "recording.raw", events)
    for shift_time in (True, False):
        decoded = read_events(tmp_path / "recording.raw", shift_time=shift_time)
        assert rows(decoded) == rows(events)
        assert (decoded.height, decoded.width) == (720, 1280)


def test_neighbours_are_written_as_vectors(tmp_path):
    x = [5, 6, 16, 17, 29, 31, 30, 40, 41, 42]
    y = [2] * 9 + [3]
    events = EventArray.from_arrays([7] * 10, x, y, [1] * 10, 9, 60)
    path = tmp_path / "recording.raw"
    write_evt3(path, events)
    words = np.frombuffer(path.read_bytes().split(b"% end\n")[1], "<u2")
    assert (words >> 12).tolist() == [8, 6, 0, 3, 4, 2, 2, 2, 3, 4, 0, 2]
    assert rows(read_events(path)) == rows(events)


def test_triggers_are_written_among_the_events(tmp_path, make_events):
    triggers = np.array([(100, 1, 1), (9000, 2, 0), (500_000, 1, 0)], TRIGGER_DTYPE)
    write_evt3(tmp_path / "recording.raw", make_events(), triggers)
    reader = EventReader(tmp_path / "recording.raw", block_events=100)
    assert sum(map(len, reader)) == 3000
    assert reader.triggers.tolist() == triggers.tolist()


def test_time_words_are_never_far_apart(tmp_path):
    events = EventArray.from_arrays([50, 40_000_000], [0, 0], [0, 0], [0, 1], 1, 1)
    write_evt3(tmp_path / "recording.raw", events)
    words = np.frombuffer((tmp_path / "recording.raw").read_bytes().split(b"% end\n")[1], "<u2")
    highs = [int(word & 0xFFF) for word in words if word >> 12 == TIME_HIGH >> 12]
    assert {(after - before) % 4096 for before, after in pairwise(highs)} == {1}


def test_nothing_is_reported_of_good_files(write_words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_events(write_words([TIME_HIGH, ADDR_X]))
