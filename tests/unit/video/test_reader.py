from __future__ import annotations

import struct

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.video import read_video, write_video

av = pytest.importorskip("av")

# Matrices of the display that MP4 files hold, in 16.16 fixed point.
TURNS = {
    "upright": (1, 0, 0, 1),
    "quarter to the right": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "quarter to the left": (0, -1, 1, 0),
}


def pictures(count=12, height=32, width=48):
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[..., 2] = np.arange(count)[:, None, None] * 20
    frames[:, : height // 2, : width // 2] = (250, 120, 10)
    return frames


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "video.mp4"
    write_video(path, pictures(), 25)
    return path


def test_frames_come_in_order_with_their_times(video):
    times, frames = zip(*read_video(video), strict=True)
    np.testing.assert_allclose(times, np.arange(12) / 25, atol=1e-6)
    assert np.abs(np.stack(frames).astype(int) - pictures()).mean() < 4


@pytest.mark.parametrize(("turn", "quarters"), zip(TURNS, (0, -1, 2, 1), strict=True))
def test_pictures_are_turned_upright(video, turn, quarters):
    a, b, c, d = (value * 65536 for value in TURNS[turn])
    data = bytearray(video.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    upright = [frame.picture for frame in read_video(video)]
    video.write_bytes(data)
    for turned, frame in zip(read_video(video), upright, strict=True):
        np.testing.assert_array_equal(turned.picture, np.rot90(frame, quarters))


@pytest.mark.parametrize("kept", [0, 10, 500, 0.6, 0.9])
def test_a_file_that_is_cut_short_is_one_error(video, kept):
    data = video.read_bytes()
    video.write_bytes(data[: kept if isinstance(kept, int) else int(kept * len(data))])
    with pytest.raises(DataError, match=r"video\.mp4.*get it again"):
        list(read_video(video))


def test_files_that_are_no_video_are_errors(tmp_path):
    (tmp_path / "notes.mp4").write_text("notes, long enough to be looked at" * 100)
    with pytest.raises(DataError, match=r"notes\.mp4: cannot be read as video"):
        list(read_video(tmp_path / "notes.mp4"))
    with pytest.raises(DataError, match=r"none\.mp4: there is no such video file"):
        list(read_video(tmp_path / "none.mp4"))


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(DataError, match=r"sound\.wav: the file has no video stream"):
        list(read_video(path))
