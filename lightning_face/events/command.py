"""The command ``lightning-face events``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError
from lightning_face.events.reading_options import add_reading_options, open_reader, printed_warnings
from lightning_face.events.writer import FORMATS, format_for, write_events, write_hdf5

__all__ = ["convert", "info", "main"]

_VERBS = {
    "info": "show format, size, duration and rate of a recording",
    "convert": "write a recording in another format",
    "frames": "draw a recording as pictures",
    "video": "draw a recording as a video",
    "rate": "plot how many events there are over time",
}


def main(argv: list[str]) -> int:
    """Run one verb.

    Args:
        argv: The words after ``events``.

    Returns:
        The exit status.

    Raises:
        ConfigError: There is no such verb.
    """
    if not argv or argv[0] in ("-h", "--help"):
        print(_help())
        return 0
    verb, *words = argv
    if verb not in _VERBS:
        known = ", ".join(_VERBS)
        raise ConfigError(f"no verb {verb!r}; lightning-face events has {known}")
    if verb in _HERE:
        return _HERE[verb](words)
    # pictures need more than numpy
    return getattr(import_module("lightning_face.events.rendering_command"), verb)(words)


def info(argv: list[str]) -> int:
    """Print what a recording holds, in memory that does not grow with its length.

    Args:
        argv: The words after ``events info``.

    Raises:
        DataError: The file is no recording, or damaged.
    """
    parser = VerbParser("events info", "Show what an event recording holds.")
    parser.add_argument("file", metavar="FILE", type=Path, help="RAW, DAT, HDF5, AEDAT4 or npz")
    add_reading_options(parser)
    arguments = parser.parse_args(argv)
    number = brighter = 0
    first_us = last_us = 0
    with printed_warnings(), open_reader(arguments.file, arguments) as reader:
        for block in reader:
            if not len(block):
                continue
            first_us = first_us if number else int(block.t[0])
            last_us = int(block.t[-1])
            number += len(block)
            brighter += int(block.p.sum())
    duration_s = (last_us - first_us) / 1e6
    rows = {
        "file": f"{arguments.file} ({arguments.file.stat().st_size:,} bytes)",
        "format": _NAMES[reader.format],
        "sensor": f"{reader.width} x {reader.height} pixels",
        "events": f"{number:,}",
    }
    if number:
        rows["time"] = f"{first_us:,} to {last_us:,} us"
        rows["duration"] = f"{duration_s:.3f} s"
        rows["brighter"] = f"{100 * brighter / number:.1f} %"
    if duration_s:
        rows["rate"] = f"{number / duration_s:,.0f} events per second"
    if len(reader.triggers):
        times = reader.triggers["t"]
        rows["triggers"] = f"{len(times):,} ({times[0]:,} to {times[-1]:,} us)"
    else:
        rows["triggers"] = "0"
    if reader.outside:
        rows["left out"] = f"{reader.outside:,} outside the sensor"
    rows |= {f"header {key}": value for key, value in reader.header.items() if value}
    width = max(len(key) for key in rows)
    print("\n".join(f"{key.ljust(width)}  {value}" for key, value in rows.items()))
    return 0


def convert(argv: list[str]) -> int:
    """Write a recording in another format, block by block.

    Args:
        argv: The words after ``events convert``.

    Raises:
        ConfigError: Source and destination are one file.
        DataError: The file is no recording, or damaged, or the format cannot hold it.
    """
    parser = VerbParser("events convert", "Write an event recording in another format.")
    parser.add_argument("source", metavar="SRC", type=Path, help="RAW, DAT, HDF5, AEDAT4 or npz")
    parser.add_argument("destination", metavar="DST", type=Path, help="file to create or replace")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="format of DST; otherwise that of its suffix, EVT3 for .raw",
    )
    parser.add_argument(
        "--uncompressed",
        action="store_true",
        help="write HDF5 that tools without Metavision's filter can read",
    )
    add_reading_options(parser)
    arguments = parser.parse_args(argv)
    source, destination = arguments.source, arguments.destination
    name = arguments.format or format_for(destination)
    if arguments.uncompressed and name != "hdf5":
        raise ConfigError(f"--uncompressed is for HDF5, not for {name}")
    if source.exists() and destination.exists() and source.samefile(destination):
        raise ConfigError(f"{source} cannot be converted into itself; give another DST")
    with printed_warnings(), open_reader(source, arguments) as reader:
        if arguments.uncompressed:
            write_hdf5(destination, reader, compress=False)
        else:
            write_events(destination, reader, name)
    print(f"{destination} is ready: {_NAMES[name]}, {destination.stat().st_size:,} bytes")
    return 0


_HERE: dict[str, Callable[[list[str]], int]] = {"info": info, "convert": convert}
_NAMES = {
    "evt2": "Prophesee RAW, EVT2",
    "evt3": "Prophesee RAW, EVT3",
    "dat": "Prophesee DAT",
    "hdf5": "Prophesee HDF5",
    "aedat4": "iniVation AEDAT4",
    "npz": "NumPy archive",
}


def _help() -> str:
    width = max(len(verb) for verb in _VERBS)
    rows = [f"  {verb.ljust(width)}  {text}" for verb, text in _VERBS.items()]
    return "\n".join(
        [
            "usage: lightning-face events VERB FILE [options]",
            "",
            "Recordings of event cameras: RAW (EVT2, EVT3), DAT, HDF5, AEDAT4 and npz.",
            "",
            *rows,
            "",
            "lightning-face events VERB --help tells the options of one.",
        ]
    )
