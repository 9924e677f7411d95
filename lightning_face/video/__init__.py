"""Video files as arrays: reading frame by frame, writing with sound."""

from __future__ import annotations

from lightning_face.video.audio import AudioTrack
from lightning_face.video.reader import TimedFrame, read_video
from lightning_face.video.writer import VideoWriter, write_video

__all__ = ["AudioTrack", "TimedFrame", "VideoWriter", "read_video", "write_video"]
