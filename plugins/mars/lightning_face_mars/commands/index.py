"""``lightning-face mars index``: the index of a gallery of pictures."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lightning_face.errors import ConfigError
from lightning_face_mars.commands.network_options import add_network_options

__all__ = ["add_arguments", "run"]

_SHOWN = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="pictures, at any depth"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="index to write; one that is there is extended by new and changed pictures, and "
        "forgets those that are gone",
    )
    add_network_options(parser)
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="default 32")


def run(options: Namespace) -> int:
    """Make or extend the index.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
        ConfigError: The index was made with other weights, or an option is wrong.
        DataError: A folder has no pictures, or the index is damaged.
        WeightsError: The checkpoint holds another model.
    """
    path = options.out.expanduser()
    if path.is_dir():
        raise ConfigError(f"--out {path} is a folder: name a file")
    if options.batch_size < 1:
        raise ConfigError(f"--batch-size {options.batch_size}: at least 1")
    from lightning_face.cli.device import choose_device
    from lightning_face_mars.gallery.gallery_index import read_index
    from lightning_face_mars.gallery.indexing import index_folders
    from lightning_face_mars.loading import load_person_search

    earlier = read_index(path) if path.exists() else None
    loaded = load_person_search(options.checkpoint, choose_device(options.device))

    def progress(done: int, total: int) -> None:
        print(f"\r{done} of {total} pictures", end="", file=sys.stderr, flush=True)

    index, report = index_folders(
        loaded,
        options.checkpoint,
        options.folders,
        path,
        earlier,
        options.batch_size,
        progress=progress,
    )
    if report.added:
        print(file=sys.stderr)
    for reason in report.unreadable[:_SHOWN]:
        print(f"left out: {reason}", file=sys.stderr)
    if len(report.unreadable) > _SHOWN:
        print(f"{len(report.unreadable) - _SHOWN} more were left out", file=sys.stderr)
    print(
        f"{path}: {len(index.entries)} pictures, {report.added} of them new or changed, "
        f"{len(report.gone)} gone"
    )
    return 0
