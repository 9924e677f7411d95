"""From a training checkpoint to a folder of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning_face.checkpoint.safe_load import load_checkpoint
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError

__all__ = ["export_checkpoint", "model_config"]


def export_checkpoint(checkpoint: Path | str, folder: Path | str) -> None:
    """Write the weights of a training checkpoint for others to use.

    Where the run averaged its weights, a checkpoint's ``state_dict`` is the average, and so is
    what is exported.

    Args:
        checkpoint: File written by the trainer.
        folder: Folder to make, or whose files to replace.

    Raises:
        CheckpointError: If the file cannot be read or does not say which model it belongs to.
    """
    content = load_checkpoint(checkpoint)
    if "state_dict" not in content:
        raise CheckpointError(f"{checkpoint} is not a training checkpoint: it has no state_dict")
    model = model_config(content)
    if model is None:
        raise CheckpointError(
            f"{checkpoint} does not name its model: train it with `lightning-face fit`, or derive "
            "the model from FaceModule and call save_hyperparameters()"
        )
    save_weights(folder, content["state_dict"], model)


def model_config(checkpoint: dict[str, Any]) -> dict[str, Any] | None:
    """Return class path and arguments of a checkpoint's model, or nothing where it names none.

    Args:
        checkpoint: Content of a training checkpoint.
    """
    hparams = checkpoint.get("hyper_parameters", {})
    class_path = hparams.get("_class_path") or checkpoint.get("class_path")
    if class_path is None:
        return None
    # names with an underscore are the command line's own notes
    init_args = {name: value for name, value in hparams.items() if not name.startswith("_")}
    return {"class_path": class_path, "init_args": init_args}
