"""Verbs of the command and their arguments; nothing heavy is imported here."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from lightning_face.cli.verbs import Verb

__all__ = ["VERBS"]

_MESH = "PLY, OBJ, GLB or STL"
_VIEWS = ("front", "quarter", "side")


def _operators(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--eigenpairs",
        type=int,
        default=128,
        metavar="N",
        help="eigenpairs of the surface operators, as in training (default 128)",
    )
    parser.add_argument(
        "--gradient-regularization",
        choices=("absolute", "relative"),
        default="absolute",
        help="of the surface operators, as in training (default absolute)",
    )


def _video(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--height", type=int, default=512, metavar="PIXELS", help="of the heads (default 512)"
    )


def _animate(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--audio", type=Path, required=True, metavar="FILE", help="speech: WAV, FLAC, MP3, MP4, ..."
    )
    parser.add_argument(
        "--mesh", type=Path, required=True, metavar="FILE", help=f"any head at rest: {_MESH}"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="video with sound (.mp4, .gif without), or .glb, .npz, or a folder for PLY files",
    )
    parser.add_argument(
        "--also",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="more outputs of the same kinds",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        required=True,
        metavar="W",
        help="exported weights (folder), checkpoint (.ckpt) or published file (.pth.tar, .pth)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")
    parser.add_argument("--fps", type=float, default=30.0, help="frames each second (default 30)")
    placing = parser.add_argument_group("place of the mesh")
    placing.add_argument(
        "--unit",
        choices=("auto", "m", "cm", "mm"),
        default="auto",
        help="unit of the mesh (default: told by its size)",
    )
    placing.add_argument(
        "--align",
        nargs="?",
        const=Path("auto"),
        type=Path,
        metavar="LANDMARKS",
        help="bring the mesh to where the training heads are: by a JSON file of three landmarks "
        'or more, {"nose_tip": [x, y, z] or number of a vertex, ...} with the names nose_tip, '
        "nose_bridge, left_eye_outer, left_eye_inner, mouth_left and the same of the subject's "
        "right, or automatically onto --reference; outputs other than video are as the mesh lies",
    )
    placing.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="head to align to: a template of the training data, or one that lies like them",
    )
    placing.add_argument(
        "--reference-landmarks",
        type=Path,
        metavar="FILE",
        help="JSON file of landmarks of the reference, for --align with other names",
    )
    parser.add_argument(
        "--parts",
        choices=("animate", "carry"),
        default="animate",
        help="what parts that hang on nothing do: move by the network, as published, or follow "
        "the largest part rigidly, as eyeballs and teeth should (default animate)",
    )
    parser.add_argument(
        "--weld",
        action="store_true",
        help="join vertices in the same place, which texture seams split; lips that are cut apart "
        "but touch are joined as well, and stay shut",
    )
    _operators(parser)
    picture = parser.add_argument_group("pictures")
    picture.add_argument(
        "--views",
        nargs="+",
        choices=_VIEWS,
        default=["front", "quarter"],
        metavar="VIEW",
        help=f"sides the head is seen from: {', '.join(_VIEWS)} (default front quarter)",
    )
    picture.add_argument(
        "--lips",
        type=Path,
        metavar="FILE",
        help="numbers of the lips' vertices (.npy, .mat): the curve is then the mouth's opening",
    )
    _video(parser)


def _compare(parser: ArgumentParser) -> None:
    frames = ".npz, .npy (frames, vertices, 3) or folder of PLY files"
    parser.add_argument("--prediction", type=Path, required=True, metavar="FILE", help=frames)
    parser.add_argument("--target", type=Path, required=True, metavar="FILE", help=frames)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="video, .mp4 or .gif"
    )
    parser.add_argument("--audio", type=Path, metavar="FILE", help="its sound")
    parser.add_argument(
        "--mesh", type=Path, metavar="FILE", help=f"{_MESH} with the faces, if no file has them"
    )
    parser.add_argument(
        "--target-stride",
        type=int,
        default=1,
        metavar="N",
        help="take every N-th true frame, 2 for VOCAset (default 1)",
    )
    parser.add_argument("--fps", type=float, help="frames each second (default: the files', or 30)")
    parser.add_argument(
        "--lips", type=Path, metavar="FILE", help="numbers of the lips' vertices (.npy, .mat)"
    )
    parser.add_argument("--view", choices=_VIEWS, default="quarter", help="default quarter")
    parser.add_argument(
        "--max-error", type=float, metavar="MM", help="error of the last colour (default: by data)"
    )
    _video(parser)


def _build(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="+",
        type=Path,
        metavar="SOURCE",
        help=f"root of the data sets, folder of meshes, or mesh ({_MESH})",
    )
    _operators(parser)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")


def _doctor(parser: ArgumentParser) -> None:
    parser.add_argument("mesh", nargs="+", type=Path, metavar="MESH", help=_MESH)
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="template of the training data, to say how the mesh lies",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _sample(parser: ArgumentParser) -> None:
    parser.add_argument("root", metavar="ROOT", type=Path, help="folder to write into")
    parser.add_argument("--sentences", type=int, default=4, help="of each head (default 4)")
    parser.add_argument("--seconds", type=float, default=1.2, help="of a sentence (default 1.2)")
    parser.add_argument("--seed", type=int, default=0)


VERBS: dict[str, Verb] = {
    "animate": Verb("Make any head speak.", "commands.animate", _animate),
    "compare": Verb(
        "Show a true and a predicted sequence and their distance in colour.",
        "commands.compare",
        _compare,
    ),
    "doctor": Verb("Say what is wrong with a mesh.", "commands.doctor", _doctor),
    "operators": Verb(
        "Compute the surface operators of meshes and keep them.", "commands.operators", _build
    ),
    "sample": Verb(
        "Write made-up speaking heads in the layout of the data sets.", "commands.sample", _sample
    ),
    "remesh": Verb(
        "Write VOCAset with a structure of its own in every frame.",
        "data.remesh_command",
        None,
    ),
}
"""Verbs of ``lightning-face scantalk`` by their names."""
