"""``lightning-face mars export``: both encoders for programs without this framework."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lightning_face.errors import ConfigError
from lightning_face_mars.commands.network_options import add_network_options

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_network_options(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where image_encoder.onnx, text_encoder.onnx, vocab.txt and settings.json go",
    )


def run(options: Namespace) -> int:
    """Write the files and compare them with the network.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
        ConfigError: The packages that write ONNX are missing.
        RunError: A file computes something else than the network.
        WeightsError: The checkpoint holds another model.
    """
    folder = options.out.expanduser()
    if folder.is_file():
        raise ConfigError(f"--out {folder} is a file: name a folder")
    from lightning_face_mars.loading import load_person_search
    from lightning_face_mars.onnx_export import export_encoders

    # traced on the CPU, wherever it would run
    loaded = load_person_search(options.checkpoint, "cpu")
    report = export_encoders(loaded, folder)
    for path, difference in report.items():
        print(f"{path}: features differ by {difference:.1e} at most")
    return 0
