"""``lightning-face eventvit alignment``: offset between events and video."""

from __future__ import annotations

import csv
import io
import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError, DataError
from lightning_face.events.dark_frame import NEGATIVE
from lightning_face_eventvit.data.alignment import (
    estimate_offset,
    event_motion,
    motion_offset,
    rgb_motion,
)
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.data.frame_source import FrameSettings, source_frames
from lightning_face_eventvit.data.layout import scan_recordings

__all__ = ["PairOffset", "run"]

_SIZE = 180
_LEAST_FRAMES = 4
_RATE = 30.0


@dataclass(frozen=True)
class PairOffset:
    """Offset of one pair of recordings.

    Attributes:
        name: What was compared.
        frames: Frames compared.
        offset: Frames by which the video comes later, with a fraction.
        correlation: Correlation of both motions at that offset, in -1..1.
        published: The same as the published code estimates it, in whole frames.
        unequal: Frames that the events have more than the video.
    """

    name: str
    frames: int
    offset: float
    correlation: float
    published: int
    unequal: int


def run(options: Namespace) -> int:
    """Print the offsets of a data set or of one pair.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range.
        DataError: If there is nothing to compare, or a file cannot be read.
    """
    if options.largest < 1:
        raise ConfigError(f"--largest {options.largest} is below 1")
    if options.pair is not None and options.root is not None:
        raise ConfigError("--pair and --root exclude each other: leave one out")
    offsets: list[PairOffset] = []
    if not options.json:
        print(f"{'offset':>8} {'correlation':>11} {'published':>9} {'frames':>6}  recording")
    for name, events, rgb in _pairs(options):
        offset = _compare(name, events, rgb, options.largest)
        offsets.append(offset)
        if not options.json:
            print(
                f"{offset.offset:+8.2f} {offset.correlation:11.2f} {offset.published:+9d} "
                f"{offset.frames:6d}  {name}",
                flush=True,
            )
    if not offsets:
        raise DataError("no recording has both event frames and RGB frames")
    middle = median(offset.offset for offset in offsets)
    if options.json:
        content = {"median": middle, "recordings": [asdict(offset) for offset in offsets]}
        print(json.dumps(content, indent=1))
    else:
        late = "later" if middle > 0 else "earlier"
        print(f"median: the video comes {abs(middle):.2f} frames {late} than the events")
    if options.out is not None:
        _write_csv(options.out / "alignment.csv", offsets)
    return 0


def _pairs(options: Namespace) -> Iterator[tuple[str, Path, Path]]:
    """Name the pairs to compare."""
    if options.pair is not None:
        events, rgb = (path.expanduser() for path in options.pair)
        yield f"{events.name} and {rgb.name}", events, rgb
        return
    root = None if options.root is None else str(options.root)
    for clip in scan_recordings(FacemorphicDataModule(root).folder):
        if {"event_frames", "frames"} <= clip.parts:
            yield clip.name, clip.part("event_frames"), clip.part("frames")


def _compare(name: str, events: Path, rgb: Path, largest: int) -> PairOffset:
    """Estimate the offset of one pair."""
    settings = FrameSettings("rgb", _SIZE, _SIZE)
    times, pictures = zip(*source_frames(rgb, settings), strict=True)
    rate = 1 / float(np.mean(np.diff(times))) if len(times) > 1 else _RATE
    drawn = source_frames(events, FrameSettings("event", _SIZE, _SIZE, frame_rate=rate))
    frames = [frame for _, frame in drawn]
    length = min(len(frames), len(pictures))
    if length < _LEAST_FRAMES:
        raise DataError(f"{name}: {length} common frames are too few to compare")
    shown = _last_axis(frames[:length])
    published = event_motion(shown)
    # both polarities count alike: grey levels would weigh what brightens twice
    event_curve = event_motion(shown >= NEGATIVE)
    rgb_curve = rgb_motion(_last_axis(list(pictures[:length])))
    estimate = estimate_offset(event_curve, rgb_curve, largest)
    return PairOffset(
        name=name,
        frames=length,
        offset=estimate.frames,
        correlation=estimate.correlation,
        published=motion_offset(published, rgb_curve),
        unequal=len(frames) - len(pictures),
    )


def _last_axis(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Put the channels last."""
    return np.stack(frames).transpose(0, 2, 3, 1)


def _write_csv(path: Path, offsets: list[PairOffset]) -> None:
    text = io.StringIO()
    rows = [asdict(offset) for offset in offsets]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_path(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    print(path)
