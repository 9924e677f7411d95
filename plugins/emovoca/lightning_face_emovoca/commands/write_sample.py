"""``lightning-face emovoca write-sample``: made-up heads in the layouts of the data sets."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lightning_face.errors import ConfigError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument("root", metavar="ROOT", type=Path, help="empty folder to write into")
    parser.add_argument(
        "--emotions",
        nargs="+",
        metavar="NAME",
        help="emotions to write, such as Happy Sad (default: all eleven)",
    )
    parser.add_argument("--sentences", type=int, default=4, help="of each actor (default 4)")
    parser.add_argument("--seconds", type=float, default=0.8, help="of a sentence (default 0.8)")
    parser.add_argument("--seed", type=int, default=0)


def run(options: Namespace) -> int:
    """Write a sample.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: A number is too small, an emotion is unknown, or the folder is not empty.
    """
    from lightning_face_emovoca.data.emotions import select_emotions
    from lightning_face_emovoca.data.sample import write_sample

    for name, least in (("sentences", 1), ("seconds", 0.3), ("seed", 0)):
        if getattr(options, name) < least:
            raise ConfigError(f"--{name} {getattr(options, name)}: at least {least}")
    root = options.root.expanduser()
    if root.is_dir() and any(root.iterdir()):
        raise ConfigError(f"{root} is not empty: name another folder")
    write_sample(
        root,
        emotions=select_emotions(options.emotions),
        sentences=options.sentences,
        seconds=options.seconds,
        seed=options.seed,
    )
    print(root)
    return 0
