"""Arguments that several verbs share; nothing heavy is imported here."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

__all__ = [
    "add_classes",
    "add_device",
    "add_faces",
    "add_generator",
    "add_noise_seed",
    "add_output",
    "add_references",
    "add_sampling",
    "add_seed",
    "add_start",
]

SAMPLERS = ("dpm++", "ddim", "plms")
STARTS = ("noise", "photograph")

_LABELS = (
    "their label maps: as many PNGs in the same order, or a folder with PNGs of the same names or "
    "with the part masks of CelebAMask-HQ (default: ../labels, ../CelebAMask-HQ-mask-anno, or "
    "beside the images)"
)


def add_generator(parser: ArgumentParser) -> None:
    """Add which generator to use and where.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="W",
        help="checkpoint (.ckpt), exported weights (folder) or published file (latest_net_G.pth, "
        "ema.pth, last.ckpt) of CA2-SIS, identity injection or SCA-DM",
    )
    parser.add_argument(
        "--recognition",
        type=Path,
        metavar="FILE",
        help="weights of the face recognition that a checkpoint of identity-injection was trained "
        "with, which then keeps who is in an image",
    )
    add_device(parser)


def add_sampling(parser: ArgumentParser) -> None:
    """Add how a diffusion model samples.

    Args:
        parser: Parser of the verb.
    """
    group = parser.add_argument_group("with a checkpoint of SCA-DM")
    group.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="steps of the sampler (default 20, or 50 from a photograph)",
    )
    group.add_argument(
        "--sampler",
        choices=SAMPLERS,
        help="ddim with 200 steps is published (default dpm++, or ddim from a photograph)",
    )
    group.add_argument(
        "--guidance",
        type=float,
        metavar="SCALE",
        help="how far to exaggerate styles, in twice the time; 1 does not (default 1)",
    )


def add_start(parser: ArgumentParser, default: str = "noise", dest: str = "start") -> None:
    """Add what a diffusion model starts from.

    Args:
        parser: Parser of the verb.
        default: What it starts from without the option.
        dest: Name of the option among the arguments.
    """
    parser.add_argument(
        "--start",
        dest=dest,
        choices=STARTS,
        help="what pictures of SCA-DM are sampled from: noise, or the noise that is found for the "
        f"photograph, which keeps more of what styles do not tell (default {default})",
    )


def add_noise_seed(parser: ArgumentParser) -> None:
    """Add the seed of the noise that pictures of a diffusion model start from.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument(
        "--seed",
        dest="noise_seed",
        type=int,
        metavar="N",
        help="seed of the noise that pictures of SCA-DM start from, the same for all (default 0)",
    )


def add_device(parser: ArgumentParser) -> None:
    """Add where networks run.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")


def add_faces(parser: ArgumentParser, required: bool = True, with_parser: bool = True) -> None:
    """Add images and their label maps.

    Args:
        parser: Parser of the verb.
        required: Whether there has to be one.
        with_parser: Whether a network can make missing label maps.
    """
    parser.add_argument(
        "--images",
        type=Path,
        nargs="+",
        required=required,
        metavar="FILE",
        help="images, or folders of them",
    )
    parser.add_argument("--labels", type=Path, nargs="+", metavar="FILE", help=_LABELS)
    if with_parser:
        parser.add_argument(
            "--parser",
            type=Path,
            metavar="DIR",
            help="folder of a SegFormer that parses faces, to make the label maps",
        )


def add_references(
    parser: ArgumentParser, what: str, name: str = "reference", required: bool = True
) -> None:
    """Add the images to take from.

    Args:
        parser: Parser of the verb.
        what: What is taken from them.
        name: How one of them is called.
        required: Whether there has to be one.
    """
    parser.add_argument(
        f"--{name}s",
        dest="references",
        type=Path,
        nargs="+",
        required=required,
        metavar="FILE",
        help=f"images, or folders of them, whose {what} taken",
    )
    parser.add_argument(
        f"--{name}-labels",
        dest="reference_labels",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=_LABELS,
    )
    parser.add_argument(
        "--in-pairs",
        action="store_true",
        help=f"take the first image with the first {name} and so on, not all with all",
    )


def add_classes(parser: ArgumentParser, default: str | None, what: str) -> None:
    """Add which classes are meant.

    Args:
        parser: Parser of the verb.
        default: What is chosen without the option; None asks for it.
        what: What happens to the classes.
    """
    end = "" if default is None else f" (default {default or 'none'})"
    parser.add_argument(
        "--classes",
        nargs="+",
        required=default is None,
        default=None if default is None else default.split(),
        metavar="CLASS",
        help=f"classes {what}: names such as hair, groups such as eyes, numbers, or all{end}",
    )


def add_seed(parser: ArgumentParser) -> None:
    """Add the seed of what is drawn.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument("--seed", type=int, default=0, help="default 0")


def add_output(parser: ArgumentParser) -> None:
    """Add where pictures are written.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="DIR", help="folder to write into"
    )
    parser.add_argument(
        "--existing",
        choices=("refuse", "keep", "replace"),
        default="refuse",
        help="what to do where a picture exists already: stop before anything is written, keep it "
        "and make only those that are missing, or replace it (default refuse)",
    )
