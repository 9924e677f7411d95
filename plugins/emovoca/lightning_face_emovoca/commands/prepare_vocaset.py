"""``lightning-face emovoca prepare-vocaset``: the archive of VOCASET as one file a sentence."""

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
        help='unpacked "Training Data" archive: data_verts.npy, raw_audio_fixed.pkl, ...',
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="ROOT", help="folder that gets Dataset"
    )


def run(options: Namespace) -> int:
    """Convert VOCASET.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        DataError: A file is missing, damaged, or contradicts another one.
    """
    from lightning_face_emovoca.data.layout import EmoVOCALayout
    from lightning_face_emovoca.data.vocaset_download import convert_vocaset

    layout = EmoVOCALayout(options.out.expanduser())
    report = convert_vocaset(options.source.expanduser(), layout)
    print(f"{report.written} sentences written to {layout.talking_folder}")
    if report.kept:
        print(f"{report.kept} were there already")
    if report.without_sound:
        names = ", ".join(report.without_sound)
        print(f"{len(report.without_sound)} have no sound and are left out: {names}")
    return 0
