from __future__ import annotations

import h5py
import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventArray, EventReader, read_events, write_hdf5
from lightning_face.events.hdf5 import EVENT_DTYPE
from lightning_face.events.word_stream import TRIGGER_DTYPE

CHUNK = 16384


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.hdf5"


def rows(events):
    return list(
        zip(
            *(array.tolist() for array in (events.t, events.x, events.y, events.p)),
            strict=True,
        )
    )


def chunk_places(path):
    with h5py.File(path) as file:
        data = file["CD/events"].id
        infos = [data.get_chunk_info(each) for each in range(data.get_num_chunks())]
    return [(info.byte_offset, info.size) for info in infos]


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("count", [1, CHUNK, 2 * CHUNK + 100])
@pytest.mark.parametrize("block_events", [10_000, 10**6])
def test_written_events_come_back_in_blocks(path, make_events, compress, count, block_events):
    events = make_events(count=count, start_us=5_000_000)
    write_hdf5(path, events, compress=compress)
    reader = EventReader(path, block_events=block_events)
    blocks = list(reader)
    assert all(len(block) == block_events for block in blocks[:-1])
    assert [row for block in blocks for row in rows(block)] == rows(events)
    assert (reader.format, reader.height, reader.width) == ("hdf5", 20, 28)
    assert rows(read_events(path)) == rows(events)


def test_compressed_chunks_are_smaller_and_marked(path, make_events):
    write_hdf5(path, make_events(count=CHUNK))
    with h5py.File(path) as file:
        plist = file["CD/events"].id.get_create_plist()
        assert plist.get_filter(0)[:2] == (0x8ECF, h5py.h5z.FLAG_OPTIONAL)
        assert file["CD/events"].chunks == (CHUNK,)
    assert chunk_places(path)[0][1] < 6 * CHUNK


def test_uncompressed_files_need_nothing_else(path, make_events):
    events = make_events(count=300)
    write_hdf5(path, events, compress=False)
    with h5py.File(path) as file:
        stored = file["CD/events"][:]
        assert file.attrs["geometry"] == "28x20"
    for name in "txyp":
        np.testing.assert_array_equal(stored[name], getattr(events, name))


def test_index_gives_the_first_event_of_every_two_milliseconds(path):
    times = [8285, 8290, 11016, 13146, 19000]
    zeros = np.zeros(5, int)
    write_hdf5(path, EventArray.from_arrays(times, zeros, zeros, zeros, 1, 1))
    with h5py.File(path) as file:
        index = file["CD/indexes"]
        assert index[:].tolist() == [
            (0, 0),
            (2, 2731),
            (3, 4861),
            (4, 10715),
            (4, 10715),
            (4, 10715),
        ]
        assert index.attrs["offset"] == "-8285"


def test_triggers_come_back(path, make_events):
    triggers = np.array([(5000, 1, 1), (6000, 1, 0)], TRIGGER_DTYPE)
    write_hdf5(path, make_events(), triggers)
    assert EventReader(path).triggers.tolist() == triggers.tolist()


def test_recordings_may_be_empty(path):
    write_hdf5(path, EventArray.empty(7, 9))
    events = read_events(path)
    assert (len(events), events.height, events.width) == (0, 7, 9)


def test_chunks_that_a_filter_left_alone_are_read(path):
    stored = np.zeros(4, EVENT_DTYPE)
    stored["t"], stored["x"], stored["p"] = [3, 4, 5, 6], [1, 2, 3, 4], [0, 1, 1, 0]
    write_hdf5(path, EventArray.from_arrays([3] * 4, [0] * 4, [0] * 4, [0] * 4, 5, 5))
    with h5py.File(path, "r+") as file:
        # what HDF5 itself does where an optional filter is missing: bit 0 of the mask is set
        file["CD/events"].id.write_direct_chunk((0,), stored.tobytes(), filter_mask=1)
    assert rows(read_events(path)) == [(3, 1, 0, 0), (4, 2, 0, 1), (5, 3, 0, 1), (6, 4, 0, 0)]


def test_events_outside_are_left_out_and_times_held(path, make_events):
    write_hdf5(path, EventArray.from_arrays([5, 6, 7], [8, 1, 2], [0] * 3, [1] * 3, 4, 9))
    with h5py.File(path, "r+") as file:
        file.attrs["geometry"] = "8x4"
        del file.attrs["format"]
    reader = EventReader(path)
    assert rows(reader.read()) == [(6, 1, 0, 1), (7, 2, 0, 1)]
    assert reader.outside == 1
    write_hdf5(path, make_events(count=3), compress=False)
    with h5py.File(path, "r+") as file:
        file["CD/events"][:, "t"] = [7, 3, 9]
    with pytest.warns(UserWarning, match=r"the time runs back, .* before: 1"):
        assert read_events(path).t.tolist() == [7, 7, 9]


@pytest.mark.parametrize("compress", [True, False])
def test_a_cut_file_gives_the_chunks_before_the_cut(path, make_events, compress):
    events = make_events(count=3 * CHUNK)
    write_hdf5(path, events, compress=compress)
    data = path.read_bytes()
    second = chunk_places(path)[1]
    # what comes after the chunks is the rest of the index of chunks at most
    path.write_bytes(data[: sum(second) + 10])
    with pytest.raises(DataError, match=r"recording.hdf5: the file .* \(byte \d+\)"):
        read_events(path)
    with pytest.warns(UserWarning, match=r"recording.hdf5: .*\(byte \d+\)") as caught:
        salvaged = read_events(path, errors="salvage")
    assert len(caught) == 1
    assert rows(salvaged) == rows(events[: 2 * CHUNK])


@pytest.mark.parametrize("size", [9, 60, 100, 700, 3000])
def test_a_file_cut_before_its_events_is_one_error(path, make_events, size):
    write_hdf5(path, make_events(count=CHUNK))
    path.write_bytes(path.read_bytes()[:size])
    for errors in ("raise", "salvage"):
        with pytest.raises(DataError, match=r"recording.hdf5: .*\(byte \d+\)"):
            read_events(path, errors=errors)


def test_a_damaged_chunk_is_named_by_its_first_byte(path, make_events):
    events = make_events(count=2 * CHUNK)
    write_hdf5(path, events)
    offset, size = chunk_places(path)[1]
    data = bytearray(path.read_bytes())
    data[offset : offset + size] = b"\xff" * size
    path.write_bytes(data)
    message = rf"recording.hdf5: the chunk of event {CHUNK}: .* \(byte {offset}\)"
    with pytest.raises(DataError, match=message):
        read_events(path)
    with pytest.warns(UserWarning, match=message):
        assert rows(read_events(path, errors="salvage")) == rows(events[:CHUNK])


def test_a_chunk_with_too_few_events_is_damage(path, make_events):
    write_hdf5(path, make_events(count=100))
    with h5py.File(path, "r+") as file:
        file["CD/events"].resize((101,))
    with pytest.raises(DataError, match="has 100 events instead of 101"):
        read_events(path)


def test_a_chunk_that_was_never_written_is_damage(path, make_events):
    write_hdf5(path, make_events(count=CHUNK))
    with h5py.File(path, "r+") as file:
        file["CD/events"].resize((CHUNK + 5,))
    with pytest.raises(DataError, match=f"no chunk for event {CHUNK}"):
        read_events(path)


def test_other_hdf5_files_are_refused(path):
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(9)
    with pytest.raises(DataError, match=r"recording.hdf5: HDF5 file without .*/CD/events"):
        read_events(path)
    with h5py.File(path, "w") as file:
        file["CD/events"] = np.arange(9)
    with pytest.raises(DataError, match="without the events of a camera"):
        read_events(path)
