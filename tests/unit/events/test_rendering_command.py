from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face.events import EventArray, write_events
from lightning_face.events.dark_frame import dark_picture
from lightning_face.events.recording import iterate_frames
from lightning_face.events.rendering import render
from lightning_face.events.rendering_command import frames, rate, video
from lightning_face.video import read_video


@pytest.fixture
def recording(make_events, tmp_path):
    path = tmp_path / "recording.npz"
    write_events(path, make_events())
    return path


def test_frames_are_numbered_pictures_of_the_recording(recording, make_events, tmp_path, capsys):
    assert frames([str(recording), "-o", str(tmp_path / "frames"), "--fps", "40"]) == 0
    drawn = iterate_frames(make_events(), frame_rate=40)
    for number, frame in enumerate(drawn):
        with Image.open(tmp_path / "frames" / f"frame_{number}.png") as image:
            np.testing.assert_array_equal(image, dark_picture(frame))
    assert len(list((tmp_path / "frames").iterdir())) == number + 1
    assert f"{number + 1} pictures" in capsys.readouterr().out


def test_tbr_frames_are_grey_and_take_their_options(recording, make_events, tmp_path):
    options = ["--style", "tbr", "--bits", "4", "--slice-us", "2000", "--size", "12"]
    frames([str(recording), "-o", str(tmp_path / "frames"), *options])
    first = next(
        iterate_frames(
            make_events(),
            frame_rate=30,
            representation="tbr",
            num_bits=4,
            slice_us=2000,
            size=12,
        )
    )
    with Image.open(tmp_path / "frames" / "frame_0.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(image, first)


def test_frames_are_not_mixed_with_older_ones(recording, tmp_path):
    frames([str(recording), "-o", str(tmp_path / "frames")])
    with pytest.raises(ConfigError, match="holds frames already"):
        frames([str(recording), "-o", str(tmp_path / "frames")])


@pytest.mark.parametrize("style", ["dark", "tbr", "count", "voxel", "time-surface"])
def test_videos_hold_one_frame_for_each_picture(recording, make_events, tmp_path, style):
    path = tmp_path / "video.gif"
    pytest.importorskip("av")
    assert video([str(recording), "-o", str(path), "--style", style]) == 0
    assert len(list(read_video(path))) == len(list(render(make_events(), 30, style)))


def test_slow_videos_last_longer(recording, tmp_path):
    path = tmp_path / "video.mp4"
    pytest.importorskip("av")
    video([str(recording), "-o", str(path), "--fps", "200", "--slow", "8"])
    times = [frame.time for frame in read_video(path)]
    assert len(times) == 40
    assert times[-1] == pytest.approx(39 / 25)


def test_the_rate_is_plotted_and_told(recording, tmp_path, capsys):
    assert rate([str(recording), "-o", str(tmp_path / "rate.png")]) == 0
    with Image.open(tmp_path / "rate.png") as image:
        assert image.size == (960, 360)
    assert "events  3,000" in capsys.readouterr().out


@pytest.mark.parametrize(("draw", "name"), [(frames, "frames"), (video, "a.gif"), (rate, "a.png")])
def test_a_recording_without_events_is_one_error(tmp_path, draw, name):
    write_events(tmp_path / "empty.npz", EventArray.empty(4, 5))
    with pytest.raises(DataError, match="holds no events"):
        draw([str(tmp_path / "empty.npz"), "-o", str(tmp_path / name)])
    assert [each.name for each in tmp_path.iterdir()] == ["empty.npz"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fps", "0"], "fps=0"),
        (["--slow", "0"], "--slow 0"),
        (["--size", "0"], "size=0"),
        (["--style", "tbr", "--bits", "40"], "num_bits=40"),
        (["--style", "tbr", "--slice-us", "0"], "slice_us=0"),
    ],
)
def test_options_out_of_range_are_errors(recording, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        video([str(recording), "-o", str(tmp_path / "video.gif"), *options])
    assert [each.name for each in tmp_path.iterdir()] == ["recording.npz"]
