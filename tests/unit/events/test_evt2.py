from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventArray, EventReader, read_events, write_evt2
from lightning_face.events.word_stream import TRIGGER_DTYPE

HEADER = b"% evt 2.0\n% format EVT2;height=480;width=640\n% end\n"
TIME_HIGH, EXT_TRIGGER, OTHERS, CONTINUED = (kind << 28 for kind in (8, 10, 14, 15))
ROUND_US = 1 << 34
LAST_HIGH = (1 << 28) - 1


def event(low, x, y, p):
    return p << 28 | low << 22 | x << 11 | y


@pytest.fixture
def write_words(tmp_path):
    def write(words):
        path = tmp_path / "recording.raw"
        path.write_bytes(HEADER + np.asarray(words, "<u4").tobytes())
        return path

    return write


def rows(events):
    return list(
        zip(
            *(array.tolist() for array in (events.t, events.x, events.y, events.p)),
            strict=True,
        )
    )


def test_words_are_taken_apart(write_words):
    words = [TIME_HIGH | 100, event(63, 639, 479, 1), TIME_HIGH | 101, event(0, 0, 1, 0)]
    path = write_words(words)
    assert rows(read_events(path, shift_time=False)) == [(6463, 639, 479, 1), (6464, 0, 1, 0)]
    assert rows(read_events(path)) == [(63, 639, 479, 1), (64, 0, 1, 0)]


def test_events_outside_and_before_the_first_time_are_left_out(write_words):
    words = [event(1, 2, 3, 1), TIME_HIGH, event(5, 640, 0, 0), event(6, 0, 480, 0)]
    reader = EventReader(write_words([*words, event(7, 1, 1, 1)]))
    assert rows(reader.read()) == [(7, 1, 1, 1)]
    assert reader.outside == 2


@pytest.mark.parametrize("word", [OTHERS | 7, CONTINUED | 7, 2 << 28, 7 << 28, 11 << 28])
def test_other_words_are_skipped(write_words, word):
    assert len(read_events(write_words([word, TIME_HIGH, word, event(1, 2, 3, 1), word]))) == 1


def test_triggers_have_time_channel_and_edge(write_words):
    words = [EXT_TRIGGER | 1, TIME_HIGH | 9, EXT_TRIGGER, EXT_TRIGGER | 3 << 22 | 12 << 8 | 1]
    reader = EventReader(write_words(words))
    assert len(reader.read()) == 0
    assert reader.triggers.tolist() == [(0, 0, 0), (3, 12, 1)]


@pytest.mark.parametrize(
    ("before", "after", "rounds"),
    [(LAST_HIGH, 0, 1), (LAST_HIGH - 150, 3, 1), (LAST_HIGH - 157, 0, 0), (0, LAST_HIGH, 0)],
)
@pytest.mark.filterwarnings("ignore:.*the time runs back")
def test_rounds_of_the_clock_are_counted_near_its_end(write_words, before, after, rounds):
    path = write_words(
        [TIME_HIGH | before, event(0, 0, 0, 0), TIME_HIGH | after, TIME_HIGH | after]
    )
    words = np.append(np.frombuffer(path.read_bytes()[len(HEADER) :], "<u4"), event(5, 1, 0, 0))
    times = read_events(write_words(words), shift_time=False).t.tolist()
    later = rounds * ROUND_US + after * 64 + 5
    assert times == [before * 64, max(later, before * 64)]


@pytest.mark.parametrize("block_events", [1, 3, 100, 10**6])
def test_blocks_join_to_the_whole(tmp_path, make_events, block_events, monkeypatch):
    monkeypatch.setattr("lightning_face.events.word_stream._PIECE_BYTES", 64)
    events = make_events(count=700)
    write_evt2(tmp_path / "recording.raw", events)
    blocks = list(EventReader(tmp_path / "recording.raw", block_events=block_events))
    assert all(len(block) == block_events for block in blocks[:-1])
    assert [row for block in blocks for row in rows(block)] == rows(events)


@pytest.mark.parametrize(
    "times",
    [
        [0, 0, 63, 64, 65],
        [5, ROUND_US - 1, ROUND_US, ROUND_US + 70],
        [70, 3 * ROUND_US + 5, 5 * ROUND_US],
    ],
)
def test_written_events_come_back(tmp_path, times):
    x = np.arange(len(times))
    events = EventArray.from_arrays(times, x, x + 1, x % 2, 9, 9)
    triggers = np.array([(times[1], 2, 1), (times[-1] + 3, 1, 0)], TRIGGER_DTYPE)
    write_evt2(tmp_path / "recording.raw", events, triggers)
    reader = EventReader(tmp_path / "recording.raw")
    assert reader.format == "evt2"
    assert rows(reader.read()) == rows(events)
    assert reader.triggers.tolist() == triggers.tolist()


def test_times_that_run_back_are_held_and_reported(write_words):
    words = [TIME_HIGH | 2, event(9, 0, 0, 0), TIME_HIGH | 1, event(9, 0, 0, 0)]
    with pytest.warns(UserWarning, match=rf"up to 64 us, first at byte {len(HEADER) + 12}; .*: 1"):
        assert read_events(write_words(words)).t.tolist() == [9, 9]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_cut_word_is_damage_at_its_first_byte(write_words, cut):
    path = write_words([TIME_HIGH, event(1, 2, 3, 1), event(2, 2, 3, 1)])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=rf"recording.raw: .*\(byte {len(HEADER) + 8}\)"):
        read_events(path)
    with pytest.warns(UserWarning, match=rf"byte {len(HEADER) + 8}"):
        assert read_events(path, errors="salvage").t.tolist() == [1]
