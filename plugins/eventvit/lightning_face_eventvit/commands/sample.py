"""``lightning-face eventvit sample``: drawn faces in the layout of FACEMORPHIC."""

from __future__ import annotations

from argparse import Namespace

from lightning_face.errors import ConfigError
from lightning_face_eventvit.data.action_units import class_names
from lightning_face_eventvit.data.sample import write_sample

__all__ = ["run"]

_LEAST = {"users": 1, "repetitions": 1, "size": 16, "num_frames": 8, "seed": 0}


def run(options: Namespace) -> int:
    """Write a sample.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If a number is too small, a class is unknown, or the folder has recordings.
    """
    for name, least in _LEAST.items():
        if getattr(options, name) < least:
            raise ConfigError(
                f"--{name.replace('_', '-')} {getattr(options, name)}: at least {least}"
            )
    root = options.root.expanduser()
    if (root / "recordings").exists():
        raise ConfigError(f"{root / 'recordings'} exists already: name another folder")
    units = class_names("AU", options.action_units)
    write_sample(
        root,
        options.users,
        units,
        options.repetitions,
        options.size,
        options.num_frames,
        options.seed,
    )
    print(root / "recordings")
    return 0
