from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.events import EventArray, EventReader, read_events, write_events
from lightning_face.events.command import main
from lightning_face.events.word_stream import TRIGGER_DTYPE


@pytest.fixture
def recording(tmp_path):
    t, x = [5000, 5000, 8000, 1_005_000], [1, 2, 3, 4]
    events = EventArray.from_arrays(t, x, [0] * 4, [1, 1, 1, 0], 48, 64)
    triggers = np.array([(6000, 1, 1), (7000, 1, 0)], TRIGGER_DTYPE)
    path = tmp_path / "recording.raw"
    write_events(path, events, triggers=triggers)
    return path


def fields(text):
    return {
        key: value.strip() for key, value in (line.split("  ", 1) for line in text.splitlines())
    }


def test_info_tells_what_a_recording_holds(recording, capsys):
    assert main(["info", str(recording)]) == 0
    shown = fields(capsys.readouterr().out)
    assert shown["file"] == f"{recording} ({recording.stat().st_size} bytes)"
    assert shown["format"] == "Prophesee RAW, EVT3"
    assert shown["sensor"] == "64 x 48 pixels"
    assert shown["events"] == "4"
    assert shown["time"] == "5,000 to 1,005,000 us"
    assert shown["duration"] == "1.000 s"
    assert shown["rate"] == "4 events per second"
    assert shown["brighter"] == "75.0 %"
    assert shown["triggers"] == "2 (6,000 to 7,000 us)"
    assert shown["header geometry"] == "64x48"
    assert "left out" not in shown


def test_info_of_an_empty_recording_has_no_rate(tmp_path, capsys):
    write_events(tmp_path / "empty.npz", EventArray.empty(7, 9))
    assert main(["info", str(tmp_path / "empty.npz")]) == 0
    shown = fields(capsys.readouterr().out)
    assert shown["events"] == "0"
    assert not {"rate", "time", "brighter"} & shown.keys()


def test_info_counts_events_outside_the_sensor(tmp_path, capsys):
    arrays = {"t": [1, 2], "x": [3, 9], "y": [0, 0], "p": [0, 1], "height": 4, "width": 4}
    np.savez(tmp_path / "recording.npz", **arrays)
    main(["info", str(tmp_path / "recording.npz")])
    assert fields(capsys.readouterr().out)["left out"] == "1 outside the sensor"


def test_damage_is_an_error_or_with_salvage_a_warning(recording, capsys):
    recording.write_bytes(recording.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"recording.raw: .*--salvage"):
        main(["info", str(recording)])
    assert main(["info", str(recording), "--salvage"]) == 0
    captured = capsys.readouterr()
    assert fields(captured.out)["events"] == "3"
    assert captured.err.startswith("lightning-face: warning: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "format"), [("a.dat", "dat"), ("a.hdf5", "hdf5"), ("a.npz", "npz"), ("a.evt2", "evt2")]
)
def test_convert_chooses_by_suffix(recording, tmp_path, capsys, name, format):
    assert main(["convert", str(recording), str(tmp_path / name)]) == 0
    assert str(tmp_path / name) in capsys.readouterr().out
    assert EventReader(tmp_path / name).format == format
    assert read_events(tmp_path / name).t.tolist() == read_events(recording).t.tolist()


def test_convert_takes_the_format_that_is_given(recording, tmp_path):
    main(["convert", str(recording), str(tmp_path / "b.raw"), "--format", "evt2"])
    assert EventReader(tmp_path / "b.raw").format == "evt2"


def test_convert_can_leave_hdf5_uncompressed(recording, tmp_path):
    h5py = pytest.importorskip("h5py")
    main(["convert", str(recording), str(tmp_path / "b.h5"), "--uncompressed"])
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["CD/events"]["x"].tolist() == [1, 2, 3, 4]
    with pytest.raises(ConfigError, match="--uncompressed is for HDF5, not for dat"):
        main(["convert", str(recording), str(tmp_path / "b.dat"), "--uncompressed"])


def test_convert_can_keep_the_time_of_the_camera(tmp_path):
    words = np.array([0x8010, 0x6001, 0x2000], "<u2")
    (tmp_path / "a.raw").write_bytes(b"% evt 3.0\n% end\n" + words.tobytes())
    main(["convert", str(tmp_path / "a.raw"), str(tmp_path / "shifted.npz")])
    main(["convert", str(tmp_path / "a.raw"), str(tmp_path / "kept.npz"), "--camera-time"])
    assert read_events(tmp_path / "shifted.npz").t.tolist() == [4097]
    assert read_events(tmp_path / "kept.npz").t.tolist() == [16 * 4096 + 1]


def test_convert_never_writes_over_its_source(recording):
    with pytest.raises(ConfigError, match="cannot be converted into itself"):
        main(["convert", str(recording), str(recording.parent / "." / recording.name)])
    assert len(read_events(recording)) == 4


@pytest.mark.parametrize("verb", ["frames", "video", "rate"])
def test_drawing_is_imported_for_its_verbs_alone(verb, monkeypatch):
    called = []
    module = SimpleNamespace(**{verb: lambda argv: called.append(argv) or 7})
    monkeypatch.setitem(sys.modules, "lightning_face.events.rendering_command", module)
    assert main([verb, "a.raw", "--fps", "30"]) == 7
    assert called == [["a.raw", "--fps", "30"]]


def test_help_lists_the_verbs(capsys):
    assert main(["--help"]) == main([]) == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in ("info", "convert", "frames", "video", "rate"))
    with pytest.raises(ConfigError, match="no verb 'play'"):
        main(["play"])
