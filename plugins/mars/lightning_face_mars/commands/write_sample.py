"""``lightning-face mars write-sample``: drawn pedestrians in the layout of a data set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lightning_face.errors import ConfigError
from lightning_face_mars.data.person_layout import LAYOUTS, PARTS

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument("root", metavar="ROOT", type=Path, help="empty folder to write into")
    parser.add_argument("--layout", choices=LAYOUTS, default="cuhk-pedes", help="whose files")
    parser.add_argument("--train", type=int, default=100, help="persons to train with")
    parser.add_argument("--val", type=int, default=25, help="persons for validation")
    parser.add_argument("--test", type=int, default=25, help="persons for the test")
    parser.add_argument("--images", type=int, default=4, help="pictures of each person")
    parser.add_argument("--seed", type=int, default=0)


def run(options: Namespace) -> int:
    """Write a sample.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: A number is too small or too large, or the folder is not empty.
    """
    from lightning_face_mars.data.sample import write_sample

    for name, least in (("train", 1), ("val", 0), ("test", 1), ("images", 1), ("seed", 0)):
        if getattr(options, name) < least:
            raise ConfigError(f"--{name} {getattr(options, name)}: at least {least}")
    root = options.root.expanduser()
    if root.is_dir() and any(root.iterdir()):
        raise ConfigError(f"{root} is not empty: name another folder")
    write_sample(
        root,
        LAYOUTS[options.layout],
        persons={part: getattr(options, part) for part in PARTS},
        images_each=options.images,
        seed=options.seed,
    )
    print(root)
    return 0
