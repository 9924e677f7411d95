"""``lightning-face emovoca prepare-conditions``: the expression meshes of Florence 4D."""

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
        "source",
        metavar="SOURCE",
        type=Path,
        help="CoMA part of Florence 4D: folders COMA_CHnn or FaceTalk_..._TA of the identities",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="ROOT",
        help="folder that gets New_Conditions and Dataset/Florence4D",
    )
    parser.add_argument(
        "--emotions",
        nargs="+",
        metavar="NAME",
        help="expressions to take, such as Happy Sad (default: all eleven)",
    )
    parser.add_argument(
        "--all-frames",
        action="store_true",
        help="take the frames up to the apex too, for the training of the double encoder",
    )


def run(options: Namespace) -> int:
    """Copy the expressions.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        DataError: A mesh is missing, damaged or of another topology.
        ConfigError: There is no such emotion.
    """
    from lightning_face_emovoca.data.emotions import select_emotions
    from lightning_face_emovoca.data.florence4d import copy_conditions
    from lightning_face_emovoca.data.layout import EmoVOCALayout

    report = copy_conditions(
        options.source.expanduser(),
        EmoVOCALayout(options.out.expanduser()),
        select_emotions(options.emotions),
        options.all_frames,
    )
    print(f"{report.meshes} expressions of {len(report.identities)} identities copied")
    if report.missing:
        print(f"{len(report.missing)} identities are not there: {', '.join(report.missing)}")
    return 0
