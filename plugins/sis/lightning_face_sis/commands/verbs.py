"""Verbs of the command and their arguments; nothing heavy is imported here."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lightning_face_sis.commands.arguments import (
    add_classes,
    add_faces,
    add_generator,
    add_output,
    add_references,
    add_seed,
)

__all__ = ["VERBS", "Verb"]


class Verb(NamedTuple):
    """One verb.

    Attributes:
        description: One sentence.
        module: Module beside this one with ``run(options)``.
        add_arguments: Adds the arguments.
    """

    description: str
    module: str
    add_arguments: Callable[[ArgumentParser], None]


def _reconstruct(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_output(parser)


def _swap_style(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_references(parser, "styles are")
    add_classes(parser, "all", "whose styles are taken")
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help="share of the reference in the style, 0 to 1 (default 1)",
    )
    add_output(parser)


def _swap_shape(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_references(parser, "shapes are")
    add_classes(parser, None, "whose shapes are taken")
    parser.add_argument(
        "--mode",
        choices=("recompose", "raw"),
        default="recompose",
        help="recompose takes the old parts away, closes the holes with what lies next to them, "
        "and paints the new parts over all; raw exchanges the masks of classes that both have and "
        "leaves holes and overlaps, as published (default recompose)",
    )
    parser.add_argument("--with-style", action="store_true", help="take the styles as well")
    add_output(parser)


def _interpolate(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_references(parser, "shapes or styles are")
    add_classes(parser, "all", "that change")
    parser.add_argument(
        "--of",
        choices=("shape", "style", "both"),
        default="shape",
        help="what changes (default shape)",
    )
    parser.add_argument(
        "--steps", type=int, default=5, metavar="N", help="with both ends (default 5)"
    )
    add_output(parser)


def _sample(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser, required=False)
    add_classes(parser, "all", "whose styles are drawn; those of the others are the image's")
    parser.add_argument(
        "--count", type=int, default=4, metavar="N", help="styles for each (default 4)"
    )
    add_seed(parser)
    add_output(parser)


def _bank(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="file, .safetensors"
    )
    parser.add_argument(
        "--add",
        action="store_true",
        help="add to the file if it exists; images of the same name are replaced",
    )


def _mix(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    parser.add_argument(
        "--bank", type=Path, required=True, metavar="FILE", help="styles, from `sis bank`"
    )
    parser.add_argument(
        "--take",
        nargs="+",
        required=True,
        metavar="CLASS=IMAGE[:SHARE]",
        help="an image of the bank for a class or group; a class that comes several times gets "
        "the mean of its images, by their shares",
    )
    add_output(parser)


def _attention(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_classes(parser, "all", "to show")
    add_output(parser)


VERBS: dict[str, Verb] = {
    "reconstruct": Verb(
        "Make images anew from their own styles and shapes.", "reconstruct", _reconstruct
    ),
    "swap-style": Verb(
        "Give classes the style they have in other images.", "swap_style", _swap_style
    ),
    "swap-shape": Verb(
        "Give classes the shape they have in other images.", "swap_shape", _swap_shape
    ),
    "interpolate": Verb(
        "Walk from the shapes or styles of images to others.", "interpolate", _interpolate
    ),
    "sample": Verb("Draw styles at random.", "sample", _sample),
    "bank": Verb("Keep the style codes of many images in a file.", "bank", _bank),
    "mix": Verb("Mix styles of a bank, class by class.", "mix", _mix),
    "attention": Verb("Show which class every pixel looks at.", "attention", _attention),
}
"""Verbs of ``lightning-face sis`` by their names."""
