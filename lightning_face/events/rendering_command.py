"""The verbs of ``lightning-face events`` that draw: ``frames``, ``video`` and ``rate``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError, DataError
from lightning_face.events.rate_plot import event_rate, plot_rate
from lightning_face.events.reader import EventReader
from lightning_face.events.reading_options import add_reading_options, open_reader, printed_warnings
from lightning_face.events.recording import EXACT_SLICE_US
from lightning_face.events.rendering import Style, render
from lightning_face.video import VideoWriter

__all__ = ["frames", "rate", "video"]


def frames(argv: list[str]) -> int:
    """Draw a recording as PNG files ``frame_0.png``, ``frame_1.png`` and so on.

    Args:
        argv: The words after ``events frames``.

    Raises:
        ConfigError: An option is out of range, or the folder holds frames already.
        DataError: The file is no recording, damaged, or without events.
    """
    parser = VerbParser("events frames", "Draw an event recording as a folder of pictures.")
    _add_drawing_options(parser, "FOLDER", "folder for the pictures")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.output
    if any(folder.glob("frame_*.png")):
        raise ConfigError(f"{folder} holds frames already: give another folder, or remove them")
    count = 0
    with printed_warnings(), open_reader(arguments.file, arguments) as reader:
        for count, picture in enumerate(_pictures(reader, arguments), start=1):
            with atomic_path(folder / f"frame_{count - 1}.png") as temporary:
                Image.fromarray(picture).save(temporary, format="PNG")
    print(f"{folder} is ready: {count} pictures, {arguments.fps:g} for each second")
    return 0


def video(argv: list[str]) -> int:
    """Draw a recording as MP4 or GIF.

    Args:
        argv: The words after ``events video``.

    Raises:
        ConfigError: An option is out of range, or the suffix of the video is unknown.
        DataError: The file is no recording, damaged, or without events.
    """
    parser = VerbParser("events video", "Draw an event recording as a video.")
    _add_drawing_options(parser, "VIDEO", "file to write, .mp4 or .gif")
    parser.add_argument(
        "--slow",
        metavar="TIMES",
        type=float,
        default=1.0,
        help="play that many times slower than recorded (default: 1)",
    )
    arguments = parser.parse_args(argv)
    if not arguments.slow > 0:
        raise ConfigError(f"--slow {arguments.slow:g}: give a number above 0")
    with (
        printed_warnings(),
        open_reader(arguments.file, arguments) as reader,
        VideoWriter(arguments.output, arguments.fps / arguments.slow) as writer,
    ):
        for picture in _pictures(reader, arguments):
            writer.add(picture)
    print(f"{arguments.output} is ready: {writer.count} frames, {arguments.fps:g} for each second")
    return 0


def rate(argv: list[str]) -> int:
    """Plot the events of each second over time, and print mean and peak.

    Args:
        argv: The words after ``events rate``.

    Raises:
        DataError: The file is no recording, damaged, or without events.
    """
    parser = VerbParser("events rate", "Plot how many events there are over time.")
    parser.add_argument("file", metavar="FILE", type=Path, help="RAW, DAT, HDF5, AEDAT4 or npz")
    parser.add_argument(
        "-o", "--output", metavar="PNG", type=Path, required=True, help="picture to write"
    )
    add_reading_options(parser)
    arguments = parser.parse_args(argv)
    with printed_warnings(), open_reader(arguments.file, arguments) as reader:
        measured = event_rate(reader)
    with atomic_path(arguments.output) as temporary:
        plot_rate(measured, arguments.file.name).save(temporary, format="PNG")
    per_millisecond = measured.counts.sum(axis=0)
    print(f"events  {per_millisecond.sum():,}")
    print(f"mean    {per_millisecond.mean() * 1000:,.0f} events per second")
    print(f"peak    {per_millisecond.max() * 1000:,.0f} events per second, over 1 ms")
    print(f"\n{arguments.output} is ready")
    return 0


def _add_drawing_options(parser: VerbParser, output: str, description: str) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="RAW, DAT, HDF5, AEDAT4 or npz")
    parser.add_argument(
        "-o", "--output", metavar=output, type=Path, required=True, help=description
    )
    parser.add_argument(
        "--style",
        choices=get_args(Style),
        default="dark",
        help="what is drawn: last polarity, last slices as bits, number of events, time within "
        "the frame, or time since the last event (default: dark)",
    )
    parser.add_argument(
        "--fps",
        type=float,
        default=30.0,
        help="frames for each second of the recording (default: 30)",
    )
    parser.add_argument(
        "--size",
        metavar="PIXELS",
        type=int,
        help="draw the centre square at this size instead of the whole sensor",
    )
    parser.add_argument(
        "--bits", type=int, default=8, help="slices of a tbr frame, 1 to 32 (default: 8)"
    )
    parser.add_argument(
        "--slice-us",
        metavar="US",
        type=int,
        default=EXACT_SLICE_US,
        help=f"length of a tbr slice in microseconds (default: {EXACT_SLICE_US})",
    )
    add_reading_options(parser)


def _pictures(reader: EventReader, arguments: Namespace) -> Iterator[NDArray[np.uint8]]:
    pictures = render(
        reader,
        arguments.fps,
        arguments.style,
        size=arguments.size,
        num_bits=arguments.bits,
        slice_us=arguments.slice_us,
    )
    first = next(pictures, None)
    if first is None:
        raise DataError(f"{arguments.file} holds no events, so that there is nothing to draw")
    yield first
    yield from pictures
