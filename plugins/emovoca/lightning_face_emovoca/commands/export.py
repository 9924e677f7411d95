"""``lightning-face emovoca export``: a data set in another layout or format."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lightning_face.errors import ConfigError

__all__ = ["add_arguments", "run"]

_LAYOUT = "reference"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("store", type=Path, metavar="STORE", help="folder of the data set")
    parser.add_argument(
        "--to",
        required=True,
        choices=(_LAYOUT, "npz", "glb", "obj", "ply"),
        help="reference: folders of the published data set; npz, glb: a file of each variant; "
        "obj, ply: a folder of frames of each variant",
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FOLDER", help="where to write"
    )
    chosen = parser.add_argument_group("what to write (default: everything)")
    chosen.add_argument("--actors", nargs="+", metavar="NAME", help="who speaks")
    chosen.add_argument("--sentences", nargs="+", metavar="NAME", help="such as sentence01")
    chosen.add_argument("--emotions", nargs="+", metavar="NAME", help="such as Happy")
    chosen.add_argument("--intensities", nargs="+", type=float, metavar="K", help="such as 2")


def run(options: Namespace) -> int:
    """Write the variants.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If the store does not have what is wanted, or the format has no place for it.
        DataError: If the store is damaged.
    """
    from lightning_face_emovoca.builder.store import open_store
    from lightning_face_emovoca.export import Selection, export_animations, export_published

    store = open_store(options.store)
    selection = Selection(options.actors, options.sentences, options.emotions, options.intensities)
    variants = selection.variants(store)
    folder = options.out.expanduser()
    if folder.is_file():
        raise ConfigError(f"--out {folder} is a file: name a folder")
    if options.to == _LAYOUT:
        written = export_published(store, variants, folder)
    else:
        written = export_animations(store, variants, options.to, folder)
    for count, path in enumerate(written, 1):
        print(f"{count} of {len(variants)}: {path}", file=sys.stderr, flush=True)
    print(f"{len(variants):,} variants in {folder}")
    return 0
