from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face.video import AudioTrack, VideoWriter, read_video, write_video

av = pytest.importorskip("av")


def pictures(count=12, height=32, width=48):
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    return [np.broadcast_to(np.roll(ramp, i * 4), (height, width)).copy() for i in range(count)]


def tone(seconds, rate):
    return AudioTrack(np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate) / 2, rate)


def test_mp4_is_h264_that_plays_everywhere(tmp_path):
    write_video(tmp_path / "video.mp4", pictures(), 29.97)
    with av.open(str(tmp_path / "video.mp4")) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.average_rate) == pytest.approx(29.97, abs=1e-3)
    frames = [frame.picture for frame in read_video(tmp_path / "video.mp4")]
    for frame, picture in zip(frames, pictures(), strict=True):
        assert np.abs(frame.astype(int) - picture[..., None]).mean() < 4


def test_odd_sides_are_padded_by_one_pixel(tmp_path):
    write_video(tmp_path / "odd.mp4", pictures(3, 31, 47), 25)
    assert {frame.picture.shape for frame in read_video(tmp_path / "odd.mp4")} == {(32, 48, 3)}


@pytest.mark.parametrize("rate", [16_000, 22_050, 12_345, 192_000])
def test_sound_lasts_as_long_as_it_was_and_keeps_its_pitch(tmp_path, rate):
    path = tmp_path / "sound.mp4"
    write_video(path, pictures(30), 25, tone(1.2, rate))
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)])
        assert stream.codec_context.name == "aac"
        assert len(sound) / stream.rate == pytest.approx(1.2, abs=0.15)
        spectrum = np.abs(np.fft.rfft(sound))
        assert spectrum.argmax() * stream.rate / len(sound) == pytest.approx(440, abs=2)
    assert len(list(read_video(path))) == 30


def test_gif_keeps_pictures_and_mean_rate(tmp_path):
    path = tmp_path / "video.gif"
    write_video(path, pictures(30), 30)
    with Image.open(path) as image:
        assert image.n_frames == 30
        lengths = []
        for i, picture in enumerate(pictures(30)):
            image.seek(i)
            lengths.append(image.info["duration"])
            np.testing.assert_array_equal(image.convert("L"), picture)
    assert sum(lengths) == 1000
    assert set(lengths) == {30, 40}


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_file_appears_only_when_it_is_whole(tmp_path, suffix):
    path = tmp_path / f"video{suffix}"
    path.write_text("the old one")

    def frames():
        yield pictures()[0]
        raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        write_video(path, frames(), 25)
    assert path.read_text() == "the old one"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_video_without_frames_is_an_error(tmp_path, suffix):
    with pytest.raises(DataError, match="there is no frame to write"):
        write_video(tmp_path / f"video{suffix}", [], 25)
    assert not list(tmp_path.iterdir())


def test_frames_of_another_size_or_type_are_errors(tmp_path):
    first, *_ = pictures()
    with pytest.raises(DataError, match="the first frame was"):
        write_video(tmp_path / "video.mp4", [first, first[:-2]], 25)
    with pytest.raises(DataError, match="float64"):
        write_video(tmp_path / "video.mp4", [first / 255], 25)
    with pytest.raises(RuntimeError, match="inside the with block"):
        VideoWriter(tmp_path / "video.mp4", 25).add(first)


@pytest.mark.parametrize(
    ("name", "fps", "audio", "message"),
    [
        ("video.avi", 25, None, r"written as \.mp4 or \.gif"),
        ("video.mp4", 0, None, "fps=0"),
        ("video.mp4", float("nan"), None, "fps=nan"),
        ("video.gif", 60, None, "at most 50 frames"),
        ("video.gif", 25, tone(0.1, 8000), "a GIF has no sound"),
    ],
)
def test_what_a_format_cannot_hold_is_an_error(tmp_path, name, fps, audio, message):
    with pytest.raises(ConfigError, match=message):
        write_video(tmp_path / name, pictures(), fps, audio)
    assert not list(tmp_path.iterdir())
