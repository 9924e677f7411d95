from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventArray, EventReader, read_events, write_npz
from lightning_face.events.word_stream import TRIGGER_DTYPE


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.npz"


@pytest.fixture
def arrays(make_events):
    events = make_events(count=500)
    return {name: getattr(events, name) for name in ("t", "x", "y", "p", "height", "width")}


def rows(events):
    return list(
        zip(
            *(array.tolist() for array in (events.t, events.x, events.y, events.p)),
            strict=True,
        )
    )


@pytest.mark.parametrize("block_events", [1, 33, 10**6])
def test_written_events_come_back_in_blocks(path, make_events, block_events, monkeypatch):
    monkeypatch.setattr("lightning_face.events.npz._PIECE_EVENTS", 40)
    events = make_events(count=300)
    write_npz(path, events)
    reader = EventReader(path, block_events=block_events)
    blocks = list(reader)
    assert all(len(block) == block_events for block in blocks[:-1])
    assert [row for block in blocks for row in rows(block)] == rows(events)
    assert (reader.format, reader.height, reader.width) == ("npz", 20, 28)


def test_numpy_reads_the_arrays_without_pickles(path, make_events):
    events = make_events()
    triggers = np.array([(5000, 1, 1)], TRIGGER_DTYPE)
    write_npz(path, events, triggers)
    with np.load(path, allow_pickle=False) as archive:
        for name in "txyp":
            np.testing.assert_array_equal(archive[name], getattr(events, name))
        assert (int(archive["height"]), int(archive["width"])) == (20, 28)
        assert archive["triggers"].tolist() == triggers.tolist()
    assert EventReader(path).triggers.tolist() == triggers.tolist()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_other_programs_are_read(path, arrays, save, monkeypatch):
    monkeypatch.setattr("lightning_face.events.npz._PIECE_EVENTS", 99)
    arrays["x"] = arrays["x"].astype(np.int32)
    arrays["p"] = arrays["p"].astype(bool)
    save(path, **arrays)
    events = read_events(path)
    for name in "txyp":
        np.testing.assert_array_equal(getattr(events, name), arrays[name])


def test_recordings_may_be_empty(path):
    write_npz(path, EventArray.empty(7, 9))
    events = read_events(path)
    assert (len(events), events.height, events.width) == (0, 7, 9)


@pytest.mark.parametrize("missing", ["t", "p", "height"])
def test_a_missing_array_is_named(path, arrays, missing):
    del arrays[missing]
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=f"recording.npz: archive without the array {missing!r}"):
        read_events(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": np.zeros(3)}, "have to be integers"),
        ({"x": np.zeros(3, np.uint16)}, "as many of each"),
        ({"p": np.array([{}] * 500)}, "pickled objects"),
        ({"width": 0}, "no pixels"),
    ],
)
def test_arrays_that_are_no_events_are_refused(path, arrays, change, message):
    np.savez(path, **{**arrays, **change})
    with pytest.raises(DataError, match=f"recording.npz: .*{message}"):
        read_events(path)


def test_events_outside_are_left_out_and_times_held(path, arrays):
    arrays["x"][3] = 28
    arrays["t"][10] = arrays["t"][9] - 1
    np.savez(path, **arrays)
    reader = EventReader(path)
    with pytest.warns(UserWarning, match=r"the time runs back, .* before: 1"):
        events = reader.read()
    assert len(events) == 499
    assert reader.outside == 1
    assert events.t[9] == arrays["t"][9]


@pytest.mark.parametrize("lost", [1, 200, 900, 1100])
def test_a_cut_archive_gives_the_events_that_are_whole(path, make_events, lost):
    events = make_events(count=2000)
    write_npz(path, events)
    data = path.read_bytes()
    path.write_bytes(data[:-lost])
    # the directory at the end of the archive is no loss
    directory = len(data) - data.index(b"PK\x01\x02")
    whole = min(2000, 2000 + directory - lost)
    if whole < 2000:
        with pytest.raises(DataError, match=rf"recording.npz: .*\(byte {len(data) - lost}\)"):
            read_events(path)
        with pytest.warns(UserWarning, match=f"byte {len(data) - lost}"):
            salvaged = read_events(path, errors="salvage")
    else:
        salvaged = read_events(path)
    assert rows(salvaged) == rows(events[:whole])


@pytest.mark.parametrize("size", [30, 100, 300, 1500])
def test_an_archive_cut_before_its_events_is_one_error(path, make_events, size):
    write_npz(path, make_events(count=2000))
    path.write_bytes(path.read_bytes()[:size])
    for errors in ("raise", "salvage"):
        with pytest.raises(DataError, match=r"recording.npz: .*"):
            read_events(path, errors=errors)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_changed_bytes_are_damage(path, arrays, save):
    save(path, **arrays)
    data = bytearray(path.read_bytes())
    place = data.index(b"y.npy") + 300
    data[place] ^= 0x04
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"recording.npz: .*\(byte \d+\)"):
        read_events(path)
