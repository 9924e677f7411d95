"""Options that name the network of a command."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

__all__ = ["add_network_options"]


def add_network_options(parser: ArgumentParser, required: bool = True) -> None:
    """Add ``--checkpoint`` and ``--device``.

    Args:
        parser: Parser of the verb.
        required: Whether there is no other way to name the network.
    """
    parser.add_argument(
        "--checkpoint",
        type=Path,
        required=required,
        metavar="PATH",
        help="checkpoint of a run, folder of imported or exported weights, or published file"
        + ("" if required else " (default: the one that the index was made with)"),
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")
