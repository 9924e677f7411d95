"""The command ``lightning-face stylize``: pictures in, stylised pictures out."""

from __future__ import annotations

import argparse
import sys

from lightning_face.errors import FaceError

__all__ = ["main"]

SHUFFLES = ("fixed", "random", "reference", "average", "none")
KEPT_COLORS = ("luminance", "statistics")


def main(argv: list[str]) -> int:
    """Stylise all pairs of the given contents and styles.

    Args:
        argv: Arguments behind the name of the command.

    Returns:
        Exit status: 0, or 2 for an error of the user, which is printed in one line.
    """
    arguments = _parser().parse_args(argv)
    # Imported after parsing, so that --help and a wrong option do not wait for torch.
    from lightning_face_mambast.stylization import StylizeOptions, stylize_files

    try:
        written = stylize_files(StylizeOptions(**vars(arguments)))
    except FaceError as error:
        sys.stderr.write(f"lightning-face stylize: error: {error}\n")
        return error.exit_code
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


def _parser() -> argparse.ArgumentParser:
    """Arguments of the command; their names are the fields of `StylizeOptions`."""
    parser = argparse.ArgumentParser(
        prog="lightning-face stylize",
        description="Give contents the look of styles, every content with every style.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--content", required=True, help="picture, or folder of pictures, that gives the layout")
    add("--style", required=True, help="picture, or folder of pictures, that gives the look")
    add("--weights", required=True, help="folder of exported weights, or a checkpoint (.ckpt)")
    add("--out", required=True, help="file for one pair or a --grid, otherwise a folder")
    add("--grid", action="store_true", help="write a contact sheet of all pairs")
    add("--size", type=int, help="resize the shorter side and cut a square of this side")
    add("--max-side", type=int, help="shrink pictures whose longer side is above this")
    add("--tile", type=int, help="stylise contents in overlapping tiles of this side")
    add("--shuffle", choices=SHUFFLES, default="fixed", help="order of the style tokens")
    add("--seed", type=int, default=0, help="seed of the order")
    add("--samples", type=int, default=4, help="orders that --shuffle average is the mean of")
    add("--strength", type=float, default=1.0, help="1 is the whole style, 0 none of it")
    add(
        "--preserve-color",
        choices=KEPT_COLORS,
        nargs="?",
        const="luminance",
        help="keep the content's colors: take only the brightness from the result, or give the "
        "style the content's color statistics first",
    )
    add("--jpeg-quality", type=int, help="write JPEG files of this quality instead of PNG")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    return parser
