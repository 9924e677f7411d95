from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventReader, read_events, write_dat

HEADER = b"% Data file containing CD events.\n% Version 2\n% Height 240\n% Width 304\n"


@pytest.fixture
def write_records(tmp_path):
    def write(records, kind=b"\x0c\x08", header=HEADER):
        words = [(t, x | y << 14 | p << 28) for t, x, y, p in records]
        path = tmp_path / "recording.dat"
        path.write_bytes(header + kind + np.asarray(words, "<u4").tobytes())
        return path

    return write


def rows(events):
    return list(
        zip(
            *(array.tolist() for array in (events.t, events.x, events.y, events.p)),
            strict=True,
        )
    )


@pytest.mark.parametrize("kind", [b"\x00\x08", b"\x0c\x08"])
@pytest.mark.parametrize("shift_time", [True, False])
def test_records_are_taken_apart_and_never_shifted(write_records, kind, shift_time):
    records = [(5_000_000, 303, 239, 1), (5_000_001, 0, 7, 0)]
    path = write_records(records, kind)
    reader = EventReader(path, shift_time=shift_time)
    assert rows(reader.read()) == records
    assert (reader.format, reader.height, reader.width) == ("dat", 240, 304)
    assert reader.header["version"] == "2"


def test_events_outside_are_left_out(write_records):
    reader = EventReader(write_records([(1, 304, 0, 1), (2, 0, 240, 1), (3, 3, 3, 1)]))
    assert rows(reader.read()) == [(3, 3, 3, 1)]
    assert reader.outside == 2


def test_the_clock_may_begin_another_round(write_records):
    path = write_records([(2**32 - 1, 0, 0, 0), (4, 0, 0, 0)])
    assert read_events(path).t.tolist() == [2**32 - 1, 2**32 + 4]


def test_times_that_run_back_are_held_and_reported(write_records):
    path = write_records([(9, 0, 0, 0), (4, 0, 0, 0)])
    with pytest.warns(UserWarning, match=f"byte {len(HEADER) + 10};"):
        assert read_events(path).t.tolist() == [9, 9]


@pytest.mark.parametrize("block_events", [1, 7, 700])
def test_written_events_come_back_in_blocks(tmp_path, make_events, block_events):
    events = make_events(count=700)
    write_dat(tmp_path / "recording.dat", events)
    blocks = list(EventReader(tmp_path / "recording.dat", block_events=block_events))
    assert [row for block in blocks for row in rows(block)] == rows(events)


def test_other_records_are_refused(write_records):
    with pytest.raises(DataError, match=rf"type 14 and 8 bytes .*\(byte {len(HEADER)}\)"):
        EventReader(write_records([], b"\x0e\x08"))


def test_a_header_alone_is_damage(write_records):
    path = write_records([])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"within its header \(byte {len(HEADER) + 1}\)"):
        read_events(path)


def test_a_recording_may_be_empty(write_records):
    assert len(read_events(write_records([]))) == 0


@pytest.mark.parametrize("cut", [1, 5, 7])
def test_a_cut_record_is_damage_at_its_first_byte(write_records, cut):
    path = write_records([(1, 2, 3, 1), (2, 2, 3, 1)])
    path.write_bytes(path.read_bytes()[:-cut])
    offset = len(HEADER) + 2 + 8
    with pytest.raises(DataError, match=rf"recording.dat: .*\(byte {offset}\)"):
        read_events(path)
    with pytest.warns(UserWarning, match=f"byte {offset}"):
        assert read_events(path, errors="salvage").t.tolist() == [1]
