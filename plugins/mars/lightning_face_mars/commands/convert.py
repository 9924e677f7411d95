"""``lightning-face mars convert``: weights under their published names, whole or for search."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

__all__ = ["add_arguments", "run"]

_TYPES = ("float32", "bfloat16")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="published file of MARS, RaSa or ALBEF, checkpoint of a run, or folder of weights",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=".safetensors, or .pth for the published code",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="keep what only training needs: momentum copies, queues, other heads",
    )
    parser.add_argument("--dtype", choices=_TYPES, default=_TYPES[0], help="type of the weights")


def run(options: Namespace) -> int:
    """Convert a file.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
        ConfigError: The name of the new file does not tell its kind.
        WeightsError: It holds another model.
    """
    import torch

    from lightning_face_mars.importer import inference_tensors, recognize
    from lightning_face_mars.loading import read_network
    from lightning_face_mars.published_files import check_name, write_published

    out = options.out.expanduser()
    check_name(out)
    tensors, notes = read_network(options.source.expanduser())
    method = recognize(tensors)
    if not options.full:
        tensors = inference_tensors(tensors)
    dtype = getattr(torch, options.dtype)
    tensors = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    write_published(out, tensors, notes)
    size = out.stat().st_size / 1e6
    kept = "all" if options.full or method == "inference" else "those for search"
    print(f"{out}: {len(tensors):,} tensors ({kept}), {size:,.1f} MB of {options.dtype}")
    return 0
