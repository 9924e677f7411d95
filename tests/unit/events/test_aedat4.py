from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.events import EventReader, read_events

pytest.importorskip("aedat")

# written by dv-processing 2.0.4: a stream of the events below in three packets of 100, and a
# stream of triggers with an edge up and one down at 20,000 and 20,050 us and a start of a frame
RECORDING = Path(__file__).with_name("synthetic.aedat4")
START_US = 1_700_000_000_000_000


@pytest.fixture
def cut(tmp_path):
    def write(size):
        path = tmp_path / "cut.aedat4"
        path.write_bytes(RECORDING.read_bytes()[:size])
        return path

    return write


def expected():
    number = np.arange(300)
    return {
        "t": START_US + 200 * number,
        "x": (32 + 20 * np.cos(number * 0.05)).astype(int),
        "y": (24 + 20 * np.sin(number * 0.05)).astype(int),
        "p": number % 2,
    }


def second_packet():
    """First byte of the second packet: each begins with its stream and size."""
    data = RECORDING.read_bytes()
    first = 18 + int.from_bytes(data[14:18], "little")
    return first + 8 + int.from_bytes(data[first + 4 : first + 8], "little")


@pytest.mark.parametrize("shift_time", [True, False])
@pytest.mark.parametrize("block_events", [1, 70, 100, 1000])
def test_events_and_triggers_are_read(shift_time, block_events):
    reader = EventReader(RECORDING, shift_time=shift_time, block_events=block_events)
    blocks = list(reader)
    assert all(len(block) == block_events for block in blocks[:-1])
    start = START_US if shift_time else 0
    for name, values in expected().items():
        joined = np.concatenate([getattr(block, name) for block in blocks])
        np.testing.assert_array_equal(joined, values - start if name == "t" else values)
    assert (reader.format, reader.height, reader.width) == ("aedat4", 48, 64)
    edge = START_US + 20_000 - start
    assert reader.triggers.tolist() == [(edge, 0, 1), (edge + 50, 0, 0)]


@pytest.mark.parametrize("beyond", [0, 1, 7, 8, 500])
def test_a_cut_packet_is_damage_at_its_first_byte(cut, beyond):
    offset = second_packet()
    path = cut(offset + beyond)
    with pytest.raises(DataError, match=rf"cut.aedat4: .*\(byte {offset}\)"):
        read_events(path)
    with pytest.warns(UserWarning, match=rf"cut.aedat4: .*\(byte {offset}\)") as caught:
        events = read_events(path, errors="salvage")
    assert len(caught) == 1
    assert events.t.tolist() == [200 * number for number in range(100)]


def test_a_damaged_packet_is_named(tmp_path):
    offset = second_packet()
    data = bytearray(RECORDING.read_bytes())
    data[offset + 100 : offset + 300] = bytes(200)
    (tmp_path / "damaged.aedat4").write_bytes(data)
    with pytest.raises(DataError, match=rf"damaged.aedat4: .*\(byte {offset}\)"):
        read_events(tmp_path / "damaged.aedat4")


@pytest.mark.parametrize("size", [14, 17, 40, 500])
def test_a_cut_header_is_one_error(cut, size):
    for errors in ("raise", "salvage"):
        with pytest.raises(DataError, match=rf"cut.aedat4: damaged header .*\(byte {size}\)"):
            read_events(cut(size), errors=errors)


def test_a_panic_of_the_package_is_one_error(tmp_path):
    data = bytearray(RECORDING.read_bytes())
    # an offset within the header that points far beyond it
    data[18:22] = (1 << 24).to_bytes(4, "little")
    (tmp_path / "damaged.aedat4").write_bytes(data)
    with pytest.raises(DataError, match=r"damaged.aedat4: damaged header"):
        read_events(tmp_path / "damaged.aedat4")


def test_a_description_that_is_no_text_is_one_error(tmp_path):
    data = bytearray(RECORDING.read_bytes())
    place = data.index(b"<dv") + 40
    data[place] = 0xCE
    (tmp_path / "damaged.aedat4").write_bytes(data)
    with pytest.raises(DataError, match=rf"damaged header \(no text\) \(byte {place}\)"):
        read_events(tmp_path / "damaged.aedat4")
