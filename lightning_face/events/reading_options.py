"""Options of commands that read event recordings."""

from __future__ import annotations

import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_face.cli.arguments import VerbParser
from lightning_face.events.reader import EventReader

__all__ = ["add_reading_options", "open_reader", "printed_warnings"]


def add_reading_options(parser: VerbParser) -> None:
    """Add the options that say how a recording is read."""
    parser.add_argument(
        "--salvage",
        action="store_true",
        help="take what comes before the damage of a cut or damaged file",
    )
    parser.add_argument(
        "--camera-time",
        action="store_true",
        help="keep the camera's clock instead of beginning near zero",
    )


def open_reader(path: Path, arguments: Namespace) -> EventReader:
    """Open a recording the way the options of `add_reading_options` say.

    Args:
        path: The recording.
        arguments: Parsed options.

    Raises:
        DataError: The file is missing or no recording, or its header is damaged.
    """
    return EventReader(
        path,
        shift_time=not arguments.camera_time,
        errors="salvage" if arguments.salvage else "raise",
    )


@contextmanager
def printed_warnings() -> Iterator[None]:
    """Show warnings as lines of the command instead of lines of its source."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        print(f"lightning-face: warning: {warning.message}", file=sys.stderr)
