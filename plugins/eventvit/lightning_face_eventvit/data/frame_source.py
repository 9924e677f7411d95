"""Frames of anything that can be shown to a network: recordings, folders of frames, videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face.data.image_folder import read_image
from lightning_face.errors import ConfigError, DataError
from lightning_face.events import EventReader
from lightning_face.events.recording import iterate_frames
from lightning_face_eventvit.data.clip import (
    RESIZE,
    centre_square,
    crop_indices,
    resize_indices,
)
from lightning_face_eventvit.data.layout import frame_times, list_frames

__all__ = ["VIDEO_SUFFIXES", "FrameSettings", "source_frames"]

VIDEO_SUFFIXES = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
"""Suffixes of files that are read as videos; all other files are taken for event recordings."""

# side from which on a network takes frames by way of the published intermediate size
_LARGE = 200

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameSettings:
    """What frames a network sees.

    Attributes:
        modality: ``event`` or ``rgb``.
        height: Height of a frame in pixels.
        width: Width of a frame in pixels.
        frame_rate: Event frames per second, and frames per second of folders without times.
        representation: Event frames: ``dark`` or ``tbr``.
        resize: Side in pixels of the square between sensor and frame; None takes 360, as
            published, for frames of 200 pixels and more, and no such step for smaller ones.
        errors: ``raise`` refuses damaged recordings, ``salvage`` takes what precedes the damage.
    """

    modality: Literal["event", "rgb"]
    height: int
    width: int
    frame_rate: float = 30.0
    representation: Literal["dark", "tbr"] = "dark"
    resize: int | None = None
    errors: Literal["raise", "salvage"] = "raise"

    def __post_init__(self) -> None:
        """Refuse a rate that gives no frames."""
        if self.frame_rate <= 0:
            raise ConfigError(f"frame_rate {self.frame_rate} is not above 0 frames per second")

    @property
    def square(self) -> int:
        """Side in pixels of the square between sensor and frame."""
        if self.resize is not None:
            return self.resize
        size = max(self.height, self.width)
        return RESIZE if size >= _LARGE else size


def source_frames(path: Path, settings: FrameSettings) -> Iterator[tuple[float, Frame]]:
    """Read frame by frame, with constant memory.

    Args:
        path: Event recording, folder of frames, or video.
        settings: What the frames are made into.

    Yields:
        Begin of the frame in seconds from the first one, and the frame
        ``(channels, height, width)``.

    Raises:
        DataError: If there is no such file, it is damaged, or it is not of the modality.
    """
    if path.is_dir():
        frames = _folder_frames(path, settings)
    elif path.suffix.lower() in VIDEO_SUFFIXES:
        frames = _video_frames(path, settings)
    else:
        frames = _recorded_frames(path, settings)
    first = next(frames, None)
    if first is None:
        raise DataError(f"{path} holds no frames")
    return _from_zero(chain([first], frames))


def _from_zero(frames: Iterator[tuple[float, Frame]]) -> Iterator[tuple[float, Frame]]:
    """Count times from the first frame."""
    start: float | None = None
    for seconds, frame in frames:
        start = seconds if start is None else start
        yield seconds - start, frame


def _recorded_frames(path: Path, settings: FrameSettings) -> Iterator[tuple[float, Frame]]:
    """Draw frames of an event recording."""
    if settings.modality != "event":
        raise DataError(f"{path} is no video, but the model sees RGB: give a video or a folder")
    with EventReader(path, errors=settings.errors) as reader:
        drawn = iterate_frames(
            reader,
            frame_rate=settings.frame_rate,
            representation=settings.representation,
            size=settings.square,
        )
        rows = crop_indices(0, settings.square, settings.height)
        columns = crop_indices(0, settings.square, settings.width)
        for number, frame in enumerate(drawn):
            yield number / settings.frame_rate, frame[None, rows[:, None], columns]


def _folder_frames(folder: Path, settings: FrameSettings) -> Iterator[tuple[float, Frame]]:
    """Read the pictures of a folder in the order of their numbers."""
    files = list_frames(folder)
    try:
        times = frame_times(files) / 1e6
    except DataError:
        # event frames carry no times
        times = np.arange(len(files)) / settings.frame_rate
    for seconds, file in zip(times, files, strict=True):
        yield float(seconds), _reduced(np.asarray(read_image(file).convert("RGB")), settings)


def _video_frames(path: Path, settings: FrameSettings) -> Iterator[tuple[float, Frame]]:
    """Read the pictures of a video at its own rate."""
    from lightning_face.video import read_video

    if settings.modality != "rgb":
        raise DataError(
            f"{path} is a video, but the model sees events: give a recording or event frames"
        )
    for seconds, picture in read_video(path):
        yield seconds, _reduced(picture, settings)


def _reduced(picture: Frame, settings: FrameSettings) -> Frame:
    """Cut the square in the middle and pick the pixels of the frame, as for training clips."""
    top, left, side = centre_square(*picture.shape[:2])
    square = resize_indices(side, settings.square)
    rows = top + square[crop_indices(0, settings.square, settings.height)]
    columns = left + square[crop_indices(0, settings.square, settings.width)]
    planes = [1] if settings.modality == "event" else [0, 1, 2]
    cut = picture[rows[:, None], columns][..., planes]
    return np.ascontiguousarray(cut.transpose(2, 0, 1))
