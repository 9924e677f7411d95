from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.events import EventReader, read_events, write_events

FORMATS = ["evt2", "evt3", "dat", "hdf5", "npz"]


@pytest.fixture
def recording(tmp_path, make_events):
    def make(format, **options):
        path = tmp_path / "recording"
        write_events(path, make_events(**options), format)
        return path

    return make


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in "txyp")


@pytest.mark.parametrize("format", FORMATS)
def test_format_is_told_without_a_suffix(recording, make_events, format):
    path = recording(format)
    with EventReader(path) as reader:
        assert reader.format == format
        assert (reader.height, reader.width) == (20, 28)
    assert same(read_events(str(path)), make_events())


@pytest.mark.parametrize("format", FORMATS)
def test_readers_can_be_read_twice_and_left_early(recording, make_events, format):
    reader = EventReader(recording(format), block_events=1000)
    with reader:
        for block in reader:
            assert same(block, make_events()[:1000])
            break
    assert [len(block) for block in reader] == [1000, 1000, 1000]
    assert [len(block) for block in reader] == [1000, 1000, 1000]


@pytest.mark.parametrize("format", FORMATS)
def test_memory_does_not_grow_with_the_recording(recording, format):
    def peak(count):
        reader = EventReader(recording(format, count=count), block_events=1000)
        for _ in reader:
            pass
        tracemalloc.start()
        for _ in reader:
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    # read in pieces of up to 2 MiB, which 3.4 million bytes of records are more than
    assert peak(400_000) < 1.2 * peak(300_000) + 100_000


@pytest.mark.parametrize("format", FORMATS)
def test_blocks_own_their_events(recording, make_events, format):
    blocks = list(EventReader(recording(format), block_events=700))
    first = blocks[0].t.copy()
    for block in blocks[1:]:
        block.t[:] = -1
    assert np.array_equal(blocks[0].t, first)


def test_missing_files_and_folders_are_one_error(tmp_path):
    with pytest.raises(DataError, match=r"no event recording .*nothing\.raw"):
        EventReader(tmp_path / "nothing.raw")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_events(tmp_path)


def test_other_files_are_named(tmp_path):
    path = tmp_path / "face.raw"
    path.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    with pytest.raises(DataError, match=r"face.raw: the file looks like a JPEG picture"):
        read_events(path)


def test_files_that_vanish_are_one_error(recording):
    path = recording("evt3")
    reader = EventReader(path)
    path.unlink()
    with pytest.raises(DataError, match="no event recording"):
        list(reader)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"errors": "ignore"}, "errors is"), ({"block_events": 0}, "at least one event")],
)
def test_options_are_checked(recording, options, message):
    with pytest.raises(ValueError, match=message):
        EventReader(recording("evt3"), **options)


@pytest.mark.parametrize(
    ("format", "module"), [("evt3", "numba"), ("dat", "numba"), ("hdf5", "h5py")]
)
def test_missing_modules_are_named(recording, format, module, monkeypatch):
    path = recording(format)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"{module}.*lightning-face\[events\]"):
        read_events(path)


def test_reading_needs_no_torch(recording):
    code = (
        "import sys; from lightning_face.events import read_events; "
        f"read_events({str(recording('evt3'))!r}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
