"""``lightning-face emovoca speak``: a face, speech and an emotion in, a talking head out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb.

    Args:
        parser: Parser of the verb.
    """
    parser.add_argument(
        "--audio", type=Path, required=True, metavar="FILE", help="speech: WAV, FLAC, MP3, MP4, ..."
    )
    parser.add_argument(
        "--face",
        type=Path,
        required=True,
        metavar="FILE",
        help="neutral face of the topology of the networks, y up and looking along z: PLY, OBJ or "
        "GLB",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="video with sound (.mp4, .gif without), or .glb, .npz, parameters of FLAME "
        "(.flame.npz), or a folder of PLY or OBJ files",
    )
    parser.add_argument(
        "--also",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="more outputs of the same kinds",
    )
    feeling = parser.add_argument_group("emotion")
    feeling.add_argument(
        "--emotion",
        nargs="+",
        default=["Happy"],
        metavar="NAME[:WEIGHT]",
        help="one or several to blend, such as Happy:0.7 Sad:0.3 (default Happy)",
    )
    feeling.add_argument(
        "--intensity",
        type=float,
        default=2.0,
        metavar="K",
        help="1 is low, 2 middle, 3 high, and others lie between (default 2)",
    )
    feeling.add_argument(
        "--schedule",
        type=Path,
        metavar="FILE",
        help="emotions and intensities over time: .csv or .json with the columns time (seconds) "
        "or frame, emotion, intensity; what it leaves out are the two options above",
    )
    networks = parser.add_argument_group("networks (default: small ones, for heads of the sample)")
    networks.add_argument(
        "--es2l",
        type=Path,
        metavar="W",
        help="speech to landmarks: folder of exported or imported weights, checkpoint (.ckpt), or "
        "published file (.tar, .pth)",
    )
    networks.add_argument(
        "--es2d", type=Path, metavar="W", help="landmarks to vertices: the same kinds"
    )
    networks.add_argument(
        "--template",
        type=Path,
        metavar="FOLDER",
        help="mesh hierarchy and landmarks of the topology, src/template of the published "
        "repository; goes with --es2l and --es2d",
    )
    networks.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)"
    )
    writing = parser.add_argument_group("output")
    writing.add_argument(
        "--unit",
        choices=("auto", "m", "cm", "mm"),
        default="auto",
        help="unit of the face, kept in all meshes (default: told by its size)",
    )
    writing.add_argument(
        "--frames",
        choices=("ply", "obj"),
        default="ply",
        help="format of the files in a folder (default ply)",
    )
    writing.add_argument(
        "--flame",
        type=Path,
        metavar="MODEL",
        help="model of FLAME for .flame.npz: .npz or .pkl of plain arrays",
    )
    writing.add_argument(
        "--views",
        nargs="+",
        choices=("front", "quarter", "side"),
        default=["front", "quarter"],
        metavar="VIEW",
        help="sides the head is seen from: front, quarter, side (default front quarter)",
    )
    writing.add_argument(
        "--height", type=int, default=512, metavar="PIXELS", help="of the heads (default 512)"
    )


def run(options: Namespace) -> int:
    """Make a face speak and write it in all wanted formats.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: An option is out of range, or options do not go together.
        DataError: The recording, the face or another file cannot be used.
        WeightsError: Weights belong to another network.
    """
    from lightning_face_emovoca.speaking import speak

    return speak(options)
