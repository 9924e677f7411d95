"""Verbs of the command and their arguments; nothing heavy is imported here."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from lightning_face.cli.verbs import Verb
from lightning_face_sis.commands.arguments import (
    add_classes,
    add_device,
    add_faces,
    add_generator,
    add_noise_seed,
    add_output,
    add_references,
    add_sampling,
    add_seed,
    add_start,
)

__all__ = ["VERBS"]


def _reconstruct(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_output(parser)
    _add_edit_sampling(parser)


def _add_edit_sampling(parser: ArgumentParser) -> None:
    add_noise_seed(parser)
    add_start(parser)
    add_sampling(parser)


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
    _add_edit_sampling(parser)


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
    _add_edit_sampling(parser)


def _interpolate(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_references(parser, "shapes or styles are")
    add_classes(parser, "all", "that change")
    parser.add_argument(
        "--of",
        choices=("shape", "style", "both"),
        help="what changes (default shape; style with SCA-DM, which knows no shapes in between)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=5,
        metavar="N",
        help="pictures of a walk, with both ends (default 5)",
    )
    add_output(parser)
    _add_edit_sampling(parser)


def _sample(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser, required=False)
    add_classes(parser, "all", "whose styles are drawn; those of the others are the image's")
    parser.add_argument(
        "--count", type=int, default=4, metavar="N", help="styles for each (default 4)"
    )
    add_seed(parser)
    add_output(parser)
    add_sampling(parser)


def _generate(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser, required=False)
    parser.add_argument(
        "--with-style",
        action="store_true",
        help="keep the styles of the images; without it all styles are drawn, as published",
    )
    parser.add_argument(
        "--count", type=int, default=1, metavar="N", help="pictures of each label map (default 1)"
    )
    parser.add_argument(
        "--shard",
        default="1/1",
        metavar="I/N",
        help="make only part I of N, so that N processes or machines share the work (default 1/1)",
    )
    parser.add_argument(
        "--batch", type=int, default=4, metavar="N", help="pictures at a time (default 4)"
    )
    add_seed(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write into; pictures that it has already, of the same settings, are kept",
    )
    add_sampling(parser)


def _invert(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_output(parser)
    add_noise_seed(parser)
    add_sampling(parser)


def _edit(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_classes(parser, None, "that change; the rest of the photograph stays")
    add_references(parser, "styles are", required=False)
    parser.add_argument(
        "--new-labels",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="label maps in which the parts have another shape: as many PNGs in the order of the "
        "images, or a folder with PNGs of the same names",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help="share of the reference in the style, 0 to 1 (default 1)",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=4,
        metavar="N",
        help="versions of each image, where styles are drawn (default 4)",
    )
    add_output(parser)
    add_noise_seed(parser)
    add_start(parser, "photograph with --references, noise without", "edit_start")
    add_sampling(parser)


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
    _add_edit_sampling(parser)


def _attention(parser: ArgumentParser) -> None:
    add_generator(parser)
    add_faces(parser)
    add_classes(parser, "all", "to show")
    add_output(parser)
    _add_edit_sampling(parser)


def _attack(parser: ArgumentParser) -> None:
    parser.epilog = (
        "For research on the weaknesses of face recognition. Hide the identity of people only "
        "with their consent, and say of every result that it was synthesised; --watermark writes "
        "it on the picture. Similarities are measured by the network the attack was made with: "
        "other networks are fooled less."
    )
    add_generator(parser)
    add_faces(parser)
    add_references(parser, "identity is hidden in the result:", "target")
    add_classes(parser, "", "whose style comes from the target too; identity names those of a face")
    parser.add_argument(
        "--watermark",
        nargs="?",
        const="SYNTHETIC FACE",
        metavar="TEXT",
        help="write words at the foot of each picture (without TEXT: SYNTHETIC FACE)",
    )
    add_output(parser)


def _parse(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="photographs of one face each, or folders of them",
    )
    parser.add_argument(
        "--parser",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of a SegFormer that parses faces (config.json, model.safetensors)",
    )
    add_device(parser)
    add_output(parser)


def _prepare(parser: ArgumentParser) -> None:
    parser.add_argument("dataset", choices=("celebamask",), help="which data set")
    parser.add_argument("root", type=Path, metavar="ROOT", help="folder of the data set")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write into")
    parser.add_argument(
        "--size",
        type=int,
        metavar="PIXELS",
        help="side of images and label maps (default: as they are, 1024 and 512)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: all cores)")


def _evaluate(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--generated",
        type=Path,
        required=True,
        metavar="DIR",
        help="pictures named like the images they reconstruct, or a set of `sis generate`",
    )
    add_faces(parser, with_parser=False)
    parser.add_argument(
        "--weights", type=Path, metavar="DIR", help="folder of the weights of the metrics"
    )
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="JSON file of the table")
    add_device(parser)


def _write_sample(parser: ArgumentParser) -> None:
    parser.add_argument("root", type=Path, metavar="ROOT", help="empty folder to write into")
    parser.add_argument("--faces", type=int, default=360, help="default 360")
    parser.add_argument("--people", type=int, default=24, help="default 24")
    parser.add_argument("--size", type=int, default=128, help="side in pixels (default 128)")
    add_seed(parser)


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
    "generate": Verb(
        "Make a set of pictures to measure, in parts that can be taken up again.",
        "generate",
        _generate,
    ),
    "invert": Verb(
        "Find the noise from which a diffusion model makes a photograph.", "invert", _invert
    ),
    "edit": Verb("Change only some parts of photographs, by a diffusion model.", "edit", _edit),
    "bank": Verb("Keep the style codes of many images in a file.", "bank", _bank),
    "mix": Verb("Mix styles of a bank, class by class.", "mix", _mix),
    "attack": Verb(
        "Hide a second identity in images, as face recognition sees them.", "attack", _attack
    ),
    "attention": Verb("Show which class every pixel looks at.", "attention", _attention),
    "parse": Verb("Make label maps of photographs of faces.", "parse", _parse),
    "prepare": Verb("Merge part masks once and split a data set.", "prepare", _prepare),
    "evaluate": Verb("Compare reconstructions with photographs.", "evaluate", _evaluate),
    "write-sample": Verb(
        "Write drawn faces in the layout of CelebAMask-HQ.", "write_sample", _write_sample
    ),
}
"""Verbs of ``lightning-face sis`` by their names."""
