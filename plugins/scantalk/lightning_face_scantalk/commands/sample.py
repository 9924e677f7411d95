"""``lightning-face scantalk sample``: made-up speaking heads in the layout of the data sets."""

from __future__ import annotations

from argparse import Namespace

from lightning_face.errors import ConfigError
from lightning_face_scantalk.data.sample import write_sample

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Write a sample.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If a number is too small, or the folder has something in it.
    """
    for name, least in (("sentences", 1), ("seconds", 0.5), ("seed", 0)):
        if getattr(options, name) < least:
            raise ConfigError(f"--{name} {getattr(options, name)}: at least {least}")
    root = options.root.expanduser()
    if root.is_dir() and any(root.iterdir()):
        raise ConfigError(f"{root} is not empty: name another folder")
    write_sample(root, sentences=options.sentences, seconds=options.seconds, seed=options.seed)
    print(root)
    return 0
