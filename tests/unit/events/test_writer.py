from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventArray, EventReader, read_events, write_events
from lightning_face.events.word_stream import TRIGGER_DTYPE

FORMATS = ["evt2", "evt3", "dat", "hdf5", "npz"]


def one_event(t=5, x=0, y=0, height=10, width=10):
    return EventArray(
        np.array([t]),
        np.array([x], np.uint16),
        np.array([y], np.uint16),
        np.array([1], np.uint8),
        height,
        width,
    )


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in "txyp")


@pytest.mark.parametrize(
    ("name", "format"),
    [
        *(("a.raw", "evt3"), ("a.RAW", "evt3"), ("a.evt2", "evt2"), ("a.dat", "dat")),
        *(("a.hdf5", "hdf5"), ("a.h5", "hdf5"), ("a.npz", "npz")),
    ],
)
def test_suffixes_stand_for_formats(tmp_path, make_events, name, format):
    write_events(tmp_path / name, make_events())
    assert EventReader(tmp_path / name).format == format


def test_unknown_formats_and_suffixes_are_refused(tmp_path, make_events):
    with pytest.raises(DataError, match=r"\.mp4 names no format"):
        write_events(tmp_path / "a.mp4", make_events())
    with pytest.raises(DataError, match="no format 'evt4'"):
        write_events(tmp_path / "a.raw", make_events(), "evt4")


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_readers_are_copied_block_by_block_with_their_triggers(
    tmp_path, make_events, source, target
):
    events = make_events(count=500)
    triggers = np.array([(4300, 1, 1), (100_000, 2, 0), (900_000, 2, 1)], TRIGGER_DTYPE)
    write_events(tmp_path / "source", events, source, triggers)
    write_events(tmp_path / "target", EventReader(tmp_path / "source", block_events=30), target)
    copied = EventReader(tmp_path / "target")
    assert same(copied.read(), events)
    kept = "dat" not in (source, target)
    assert copied.triggers.tolist() == (triggers.tolist() if kept else [])


@pytest.mark.parametrize("format", FORMATS)
def test_recordings_may_be_empty(tmp_path, format):
    write_events(tmp_path / "empty", EventArray.empty(7, 9), format)
    events = read_events(tmp_path / "empty")
    assert (len(events), events.height, events.width) == (0, 7, 9)


@pytest.mark.parametrize("format", ["evt2", "evt3", "dat", "hdf5"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t": -1}, "holds times of 0 to"),
        ({"x": 10}, "not on the sensor of 10x10"),
        ({"y": 10}, "not on the sensor of 10x10"),
        ({"width": 20_000}, "pixels a side"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, format, options, message):
    path = tmp_path / "recording"
    path.write_text("the file before")
    with pytest.raises(DataError, match=rf"recording: .*{message}"):
        write_events(path, one_event(**options), format)
    assert path.read_text() == "the file before"
    assert [each.name for each in tmp_path.iterdir()] == ["recording"]


@pytest.mark.parametrize(("format", "latest"), [("evt2", 2**38), ("evt3", 2**38), ("dat", 2**32)])
def test_late_times_are_refused(tmp_path, format, latest):
    with pytest.raises(DataError, match=f"not {latest} to {latest}"):
        write_events(tmp_path / "recording", one_event(t=latest), format)


def test_late_times_fit_into_archives(tmp_path):
    write_events(tmp_path / "recording.npz", one_event(t=1_700_000_000_000_000))
    assert read_events(tmp_path / "recording.npz").t.tolist() == [1_700_000_000_000_000]


@pytest.mark.parametrize("format", ["evt2", "evt3", "dat", "hdf5"])
def test_times_that_run_back_are_refused(tmp_path, make_events, format):
    events = make_events(count=9)
    events.t[5] = events.t[4] - 1
    with pytest.raises(DataError, match="event 5 is earlier"):
        write_events(tmp_path / "recording", events, format)
    triggers = np.array([(9, 0, 0), (8, 0, 0)], TRIGGER_DTYPE)
    with pytest.raises(DataError, match="trigger 1 is earlier"):
        write_events(tmp_path / "recording", make_events(), format, triggers)


def test_a_damaged_source_leaves_the_target_alone(tmp_path, make_events):
    source, target = tmp_path / "source.raw", tmp_path / "target.npz"
    write_events(source, make_events())
    source.write_bytes(source.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"source\.raw"):
        write_events(target, EventReader(source))
    assert not target.exists()
