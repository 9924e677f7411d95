"""``lightning-face eventvit export``: a network for other programs."""

from __future__ import annotations

from argparse import Namespace

from lightning_face_eventvit.commands.model import load_event_vit
from lightning_face_eventvit.onnx_export import export_onnx, export_program

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Write a network as ONNX or for torch.export, and compare it with the original.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If the packages for it are not installed, or a setting does not fit.
        RunError: If what was written computes something else.
        WeightsError: If the weights belong to another model.
    """
    model = load_event_vit(options.weights, "export")
    size = model.hparams["image_size"]
    write = export_onnx if options.format == "onnx" else export_program
    export = write(
        model.network,
        options.out,
        options.num_frames,
        options.split,
        class_names=model.class_names,
        image_size=size if isinstance(size, int) else (size[0], size[1]),
    )
    print("".join(f"{path}\n" for path in export.files), end="")
    print(f"largest difference from the network: {export.error:.1e}")
    return 0
