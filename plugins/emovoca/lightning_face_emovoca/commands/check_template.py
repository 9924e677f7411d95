"""``lightning-face emovoca check-template``: a mesh hierarchy beside the published one."""

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
        "template",
        metavar="PATH",
        type=Path,
        help="downsampling_matrices.pkl, or the folder that has it",
    )


def run(options: Namespace) -> int:
    """Print what the file holds, level by level.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status: 1 if the template has the published sizes but other spirals.

    Raises:
        DataError: The file is missing or damaged.
    """
    from lightning_face_emovoca.hierarchy.template_check import check_template

    report = check_template(options.template.expanduser())
    print("\n".join(report.lines()))
    return int(report.of_published_size and not report.published)
