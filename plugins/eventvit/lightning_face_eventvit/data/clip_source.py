"""From records to the cache of a split: which frames are stored, at which size, and from where."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.data.image_folder import read_image
from lightning_face.errors import DataError
from lightning_face.events import EventArray, EventReader, frames_from_recording
from lightning_face.events.dark_frame import BACKGROUND
from lightning_face_eventvit.data.clip import RESIZE, centre_square, crop_indices, resize_indices
from lightning_face_eventvit.data.clip_cache import ClipCache, cache_key, file_stamp, open_cache
from lightning_face_eventvit.data.layout import frame_times
from lightning_face_eventvit.data.records import ClipRecord

__all__ = ["ClipSource", "doubled_duration", "open_clips"]

log = logging.getLogger(__name__)

_LISTED = 3


@dataclass(frozen=True)
class ClipSource:
    """How the frames of one modality are read and stored.

    Args:
        modality: ``event`` or ``rgb``.
        representation: ``dark`` or ``tbr``, for events from recordings.
        events_from: ``frames`` or ``raw``.
        alignment: ``exact`` or ``legacy``, for events from recordings.
        resize: Side in pixels of the square that frames are reduced to.
        image_size: Side in pixels of stored frames; None stores squares of ``resize``, or smaller
            ones as they are, to draw crops from.
        num_frames: Frames to store from the start of the window; None stores the whole window.
        before: Frames to store from before the window.
    """

    modality: Literal["event", "rgb"]
    representation: Literal["dark", "tbr"] = "dark"
    events_from: Literal["frames", "raw"] = "frames"
    alignment: Literal["exact", "legacy"] = "exact"
    resize: int = RESIZE
    image_size: int | None = None
    num_frames: int | None = None
    before: int = 0

    @property
    def from_recording(self) -> bool:
        """Whether frames are made from recordings of events."""
        return self.modality == "event" and self.events_from == "raw"

    def stored_range(self, record: ClipRecord) -> tuple[int, int]:
        """Return the first frame of a recording that is stored and the one behind the last.

        Args:
            record: The clip.
        """
        start, stop = record.window
        if self.num_frames is not None:
            stop = min(stop, start + self.num_frames)
        return max(0, start - self.before), stop

    def pixels(self, side: int) -> NDArray[np.int64]:
        """Return which rows, and likewise columns, of a square are stored.

        Args:
            side: Side of the square in pixels.
        """
        if self.image_size is not None:
            return resize_indices(side, self.resize)[crop_indices(0, self.resize, self.image_size)]
        return np.arange(side) if side <= self.resize else resize_indices(side, self.resize)

    def files(self, record: ClipRecord) -> tuple[Path, ...]:
        """Return the pictures of a clip.

        Args:
            record: The clip.
        """
        return record.rgb_files if self.modality == "rgb" else record.event_files

    def origin(self, record: ClipRecord) -> Path:
        """Return the folder or recording that a clip is read from.

        Args:
            record: The clip.
        """
        if self.from_recording and record.clip.recording is not None:
            return record.clip.recording
        return self.files(record)[0].parent


def open_clips(folder: Path, name: str, records: list[ClipRecord], source: ClipSource) -> ClipCache:
    """Open the stored frames of a split, read from pictures or recordings where need be.

    Args:
        folder: Folder of the caches.
        name: Name of the split.
        records: Its clips.
        source: What to store.

    Raises:
        DataError: If a picture or a recording cannot be read, or pictures of one folder have
            different sizes.
    """
    stamps = [_stamps(record, source) for record in records]
    doubled: list[str] = []
    cache = open_cache(
        folder,
        f"{name}-{source.modality}",
        cache_key({"source": asdict(source), "clips": stamps}),
        [partial(_read_clip, record, source, doubled) for record in records],
        _expected_bytes(records, source),
    )
    if doubled:
        log.warning(
            "the events of %d recordings last about twice as long as their RGB frames (%s%s): they "
            "were converted with a reader that doubles the times of EVT3; use the original files",
            len(doubled),
            ", ".join(doubled[:_LISTED]),
            ", ..." if len(doubled) > _LISTED else "",
        )
    return cache


def doubled_duration(event_us: float, rgb_us: float) -> bool:
    """Tell whether events last about twice as long as the video of the same recording.

    Args:
        event_us: Time from the first to the last event in microseconds.
        rgb_us: Time from the first to the last RGB frame in microseconds.
    """
    return rgb_us > 0 and 1.75 < event_us / rgb_us < 2.5


def _stamps(record: ClipRecord, source: ClipSource) -> list[object]:
    """Everything that the stored frames of a clip depend on."""
    start, stop = source.stored_range(record)
    if source.from_recording and record.clip.recording is not None:
        times = [path.name for path in record.rgb_files]
        read: list[object] = [file_stamp(record.clip.recording), times]
    else:
        read = [file_stamp(path) for path in source.files(record)[start:stop]]
    return [record.clip.name, start, stop, *read]


def _expected_bytes(records: list[ClipRecord], source: ClipSource) -> int:
    """Size of all frames, if those of all clips are as large as the first one's."""
    frames = sum(stop - start for start, stop in map(source.stored_range, records))
    side = source.image_size
    if side is None:
        side = source.resize
        if not source.from_recording:
            first = source.files(records[0])[0]
            try:
                with Image.open(first) as image:
                    side = min(side, *image.size)
            except OSError as error:
                raise DataError(f"image {first} cannot be read: {error}") from error
    return frames * side * side * (3 if source.modality == "rgb" else 1)


def _read_clip(record: ClipRecord, source: ClipSource, doubled: list[str]) -> NDArray[np.uint8]:
    """Return the frames ``(frames, channels, height, width)`` that are stored of a clip."""
    start, stop = source.stored_range(record)
    if source.from_recording:
        frames = _draw(record, source, doubled)[start:stop]
        pixels = source.pixels(frames.shape[-1])
        return frames.take(pixels, axis=1).take(pixels, axis=2)[:, None]
    files = source.files(record)[start:stop]
    stored: list[NDArray[np.uint8]] = []
    size = None
    for path in files:
        picture = np.asarray(read_image(path))
        if size is None:
            size = picture.shape
            top, left, side = centre_square(*picture.shape[:2])
            pixels = source.pixels(side)
        elif picture.shape != size:
            sizes = f"{picture.shape[1]}x{picture.shape[0]} pixels, {files[0].name} has "
            raise DataError(f"image {path} has {sizes}{size[1]}x{size[0]}")
        if source.modality == "event":
            picture = picture[..., 1:2]
        cut = picture.take(top + pixels, axis=0).take(left + pixels, axis=1)
        stored.append(cut.transpose(2, 0, 1))
    return np.stack(stored)


def _draw(record: ClipRecord, source: ClipSource, doubled: list[str]) -> NDArray[np.uint8]:
    """Return the event frames ``(frames, side, side)`` of a whole recording; note doubled times."""
    path = record.clip.recording
    if path is None:
        raise DataError(f"{record.clip.name} has no recording of events")
    times = frame_times(list(record.rgb_files))
    span = _Span()
    with EventReader(path) as reader:
        blocks = span.watch(iter(reader))
        try:
            frames = frames_from_recording(
                blocks,
                times,
                representation=source.representation,
                alignment=source.alignment,
                size=min(source.resize, reader.height, reader.width),
            ).frames
        except DataError as error:
            where = "" if str(path) in str(error) else f"{path}: "
            raise DataError(f"{where}{error}") from error
        # what comes after the last frame tells how long the recording is
        for _ in blocks:
            pass
    if doubled_duration(span.duration, int(times[-1] - times[0])):
        doubled.append(record.clip.name)
    missing = record.num_frames - len(frames)
    if missing > 0:
        blank = BACKGROUND if source.representation == "dark" else 0
        frames = np.pad(frames, ((0, missing), (0, 0), (0, 0)), constant_values=blank)
    return frames


class _Span:
    """Notes the times of the first and last event that pass by."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.last = 0

    @property
    def duration(self) -> int:
        """Microseconds from the first to the last event."""
        return 0 if self.first is None else self.last - self.first

    def watch(self, blocks: Iterator[EventArray]) -> Iterator[EventArray]:
        """Hand blocks on."""
        for block in blocks:
            if len(block):
                self.first = int(block.t[0]) if self.first is None else self.first
                self.last = int(block.t[-1])
            yield block
