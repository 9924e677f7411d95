"""``lightning-face sis prepare``: data sets in the form that is fastest to read."""

from __future__ import annotations

import sys
from argparse import Namespace

from lightning_face.errors import ConfigError
from lightning_face_sis.data.prepare import prepare_celebamask

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Merge the part masks of CelebAMask-HQ and split it.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range, or the folder was begun with another size.
        DataError: If files are missing or damaged.
    """
    if options.workers is not None and options.workers < 1:
        raise ConfigError(f"--workers {options.workers}: at least 1")
    watched = sys.stderr.isatty()

    def progress(done: int, count: int) -> None:
        if watched:
            end = "\n" if done == count else ""
            print(f"\rface {done} of {count}", end=end, file=sys.stderr, flush=True)

    out = options.out.expanduser()
    prepared = prepare_celebamask(
        options.root.expanduser(), out, options.size, options.workers, progress
    )
    there = prepared.train + prepared.test - prepared.written
    print(f"{out}  {prepared.train} faces for training, {prepared.test} for the test")
    print(f"{prepared.written} written, {there} were there; masks left out: ", end="")
    print(f"{len(prepared.empty)} empty, {len(prepared.strange)} of no face and part")
    return 0
