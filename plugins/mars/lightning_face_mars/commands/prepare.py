"""``lightning-face mars prepare``: the raw file of a data set divided into its parts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument(
        "root",
        metavar="ROOT",
        type=Path,
        help="folder with reid_raw.json, ICFG-PEDES.json or data_captions.json",
    )


def run(options: Namespace) -> int:
    """Write the files of the parts.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        DataError: The folder holds none of the data sets, or its file cannot be used.
    """
    from lightning_face_mars.data.prepare import prepare_persons

    for path in prepare_persons(options.root.expanduser()).values():
        print(path)
    return 0
