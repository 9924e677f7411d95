"""Frames of video files, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["TimedFrame", "read_video"]


class TimedFrame(NamedTuple):
    """A frame and when it is shown.

    Attributes:
        time: Time in seconds on the clock of the file, which may begin above 0.
        picture: Red, green and blue (height, width, 3), uint8.
    """

    time: float
    picture: NDArray[np.uint8]


def read_video(path: Path | str) -> Iterator[TimedFrame]:
    """Read the frames of a video in the order in which they are shown.

    Frames are turned upright where the file says how the camera was held. One frame is held in
    memory at a time.

    Args:
        path: Video file of any format that FFmpeg reads, animated GIF included.

    Yields:
        Time and picture of each frame.

    Raises:
        ConfigError: PyAV is not installed.
        DataError: The file is absent, holds no video, or ends before its last frame.
    """
    av = optional_import("av", extra="video")
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such video file")
    count = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError(f"{path}: the file has no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            expected = stream.frames
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise DataError(f"{path}: frame {count} is damaged; get the file again")
                yield TimedFrame(_time_of(frame, count, stream), _upright(frame))
                count += 1
    except av.error.FFmpegError as error:
        raise DataError(
            f"{path}: cannot be read as video after {count} frames ({error.strerror}); "
            "the file may be cut short: get it again"
        ) from error
    # containers that count their frames tell when some are missing
    if count < expected or not count:
        raise DataError(f"{path}: the video ends after {count} of {expected} frames; get it again")


def _time_of(frame: Any, number: int, stream: Any) -> float:  # noqa: ANN401
    return number / float(stream.average_rate) if frame.time is None else float(frame.time)


def _upright(frame: Any) -> NDArray[np.uint8]:  # noqa: ANN401
    picture: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, quarters)) if quarters else picture
