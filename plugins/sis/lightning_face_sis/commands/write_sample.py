"""``lightning-face sis write-sample``: drawn faces in the layout of CelebAMask-HQ."""

from __future__ import annotations

from argparse import Namespace

from lightning_face.errors import ConfigError
from lightning_face_sis.data.sample import write_sample

__all__ = ["run"]

_LEAST = {"faces": 2, "people": 1, "size": 32, "seed": 0}


def run(options: Namespace) -> int:
    """Write a sample.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If a number is too small, or the folder has something in it.
    """
    for name, least in _LEAST.items():
        if getattr(options, name) < least:
            raise ConfigError(f"--{name} {getattr(options, name)}: at least {least}")
    root = options.root.expanduser()
    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        raise ConfigError(f"{root} is not an empty folder: name another one")
    write_sample(root, options.faces, options.people, options.size, options.seed)
    print(root)
    return 0
