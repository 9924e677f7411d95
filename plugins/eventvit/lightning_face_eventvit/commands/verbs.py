"""Verbs of the command and their arguments; nothing heavy is imported here."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from lightning_face.cli.verbs import Verb

__all__ = ["VERBS"]


_WEIGHTS = "exported weights (folder), checkpoint (.ckpt) or published file (.pth, .safetensors)"


def _weights(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        required=True,
        metavar="W",
        type=Path,
        help=_WEIGHTS,
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")


def _frames(parser: ArgumentParser) -> None:
    parser.add_argument("--num-frames", type=int, help="frames of a clip (default: the model's)")
    parser.add_argument(
        "--frame-rate", type=float, default=30.0, help="event frames per second (default 30)"
    )
    parser.add_argument(
        "--representation",
        choices=("dark", "tbr"),
        default="dark",
        help="event frames, as in training (default dark)",
    )
    parser.add_argument(
        "--resize",
        type=int,
        help="side of the square that frames pass through, as in training (default: 360 for "
        "frames of 200 pixels and more)",
    )
    parser.add_argument(
        "--salvage",
        action="store_true",
        help="take what comes before the damage of a truncated recording",
    )


def _sources(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="event recording (RAW, DAT, HDF5, AEDAT4, npz), folder of frames, or video",
    )


def _out(parser: ArgumentParser, what: str, required: bool = True) -> None:
    parser.add_argument("-o", "--out", type=Path, required=required, metavar="DIR", help=what)


def _root(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--root", type=Path, metavar="ROOT", help="folder with recordings/ (default: the sample)"
    )


def _predict(parser: ArgumentParser) -> None:
    _sources(parser)
    _weights(parser)
    _out(parser, "folder for predictions.json or stream.jsonl, and index.html", required=False)
    _frames(parser)
    parser.add_argument("--stride", type=int, help="frames from clip to clip (default: no overlap)")
    parser.add_argument("--top-k", type=int, default=5, help="classes to list (default 5)")
    parser.add_argument("--batch-size", type=int, default=4, help="clips at a time (default 4)")
    parser.add_argument(
        "--stream", action="store_true", help="a new prediction for every frame, as it comes in"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _attention(parser: ArgumentParser) -> None:
    _sources(parser)
    _weights(parser)
    _out(parser, "folder for the pictures")
    _frames(parser)
    parser.add_argument("--start", type=float, default=0.0, help="begin of the clip in seconds")
    parser.add_argument("--columns", type=int, default=10, help="frames on the sheet (default 10)")


def _shift_curve(parser: ArgumentParser) -> None:
    _weights(parser)
    _root(parser)
    _out(parser, "folder for the table and the curves")
    parser.add_argument(
        "--modality",
        choices=("event", "rgb"),
        nargs="+",
        help="modalities to delay, one after the other (default: all that the model sees)",
    )
    parser.add_argument(
        "--shifts", type=int, nargs="+", default=[0, 1, 2, 5, 10], help="delays in frames"
    )
    parser.add_argument(
        "--mode",
        choices=("true", "legacy"),
        nargs="+",
        default=["true", "legacy"],
        help="true delays real frames, legacy puts zeros in front as published (default both)",
    )
    parser.add_argument("--num-frames", type=int, default=50, help="frames of a clip (default 50)")
    parser.add_argument("--representation", choices=("dark", "tbr"), default="dark")
    parser.add_argument("--resize", type=int, help="as data.resize of the training")
    parser.add_argument("--split-file", type=Path, help="as data.split_file of the training")
    parser.add_argument("--batch-size", type=int, default=4, help="clips at a time (default 4)")


def _alignment(parser: ArgumentParser) -> None:
    _root(parser)
    parser.add_argument(
        "--pair",
        nargs=2,
        metavar=("EVENTS", "RGB"),
        type=Path,
        help="a recording (or event frames) and a video (or RGB frames) instead of a data set",
    )
    _out(parser, "folder for alignment.csv", required=False)
    parser.add_argument("--largest", type=int, default=15, help="largest offset in frames (15)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _export(parser: ArgumentParser) -> None:
    parser.add_argument(
        "weights",
        metavar="CHECKPOINT",
        type=Path,
        help=_WEIGHTS,
    )
    _out(parser, "folder for the files")
    parser.add_argument("--num-frames", type=int, default=50, help="frames of a clip (default 50)")
    parser.add_argument(
        "--split", action="store_true", help="two files: encoder of a frame, and temporal head"
    )
    parser.add_argument(
        "--format",
        choices=("onnx", "pt2"),
        default="onnx",
        help="onnx, or pt2 for torch.export (default onnx)",
    )


def _sample(parser: ArgumentParser) -> None:
    parser.add_argument("root", metavar="ROOT", type=Path, help="folder to write into")
    parser.add_argument("--users", type=int, default=20, help="number of people (default 20)")
    parser.add_argument(
        "--action-units",
        nargs="+",
        default=["AU_1", "AU_12", "AU_27", "AU_43"],
        metavar="AU_N",
        help="classes to perform, such as AU_12 or AU_FREE; all 24 Action Units are drawn",
    )
    parser.add_argument("--repetitions", type=int, default=2, help="clips of each (default 2)")
    parser.add_argument("--size", type=int, default=48, help="side in pixels (default 48)")
    parser.add_argument("--num-frames", type=int, default=16, help="frames of a clip (default 16)")
    parser.add_argument("--seed", type=int, default=0)


VERBS: dict[str, Verb] = {
    "predict": Verb(
        "Name the Action Units in recordings and videos.", "commands.predict", _predict
    ),
    "attention": Verb("Show where the network looks.", "commands.attention", _attention),
    "shift-curve": Verb(
        "Measure how a delay of one modality hurts the recognition.",
        "commands.shift_curve",
        _shift_curve,
    ),
    "alignment": Verb(
        "Estimate the offset between events and video of recordings.",
        "commands.alignment",
        _alignment,
    ),
    "export": Verb("Write a network as ONNX or for torch.export.", "commands.export", _export),
    "sample": Verb(
        "Write recordings of drawn faces in the layout of FACEMORPHIC.", "commands.sample", _sample
    ),
    "convert-pickles": Verb(
        "Write the pickled landmarks and coefficients of FACEMORPHIC as plain arrays.",
        "data.pickle_conversion",
        None,
    ),
}
"""Verbs of ``lightning-face eventvit`` by their names."""
