"""A trained model from a file, without the command line."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule
from lightning.pytorch.cli import instantiate_module

from lightning_face.allowlist import is_allowed
from lightning_face.checkpoint.export import model_config
from lightning_face.checkpoint.safe_load import load_checkpoint
from lightning_face.checkpoint.weights import read_weights
from lightning_face.errors import CheckpointError, WeightsError

__all__ = ["load"]


def load(path: Path | str) -> LightningModule:
    """Build the model that a file describes and give it its weights, in evaluation mode.

    Nothing in the file is run, and only classes of the core and of registered plugins are
    imported on its word.

    Args:
        path: Training checkpoint (.ckpt) or a folder of exported weights.

    Raises:
        CheckpointError: If a checkpoint is damaged, names no model, or names a foreign class.
        WeightsError: If an exported folder is damaged, or the weights do not fit the model.
    """
    path = Path(path)
    if path.is_dir():
        tensors, config = read_weights(path)
        model = config.get("model")
    else:
        checkpoint = load_checkpoint(path)
        tensors, model = checkpoint.get("state_dict", {}), model_config(checkpoint)
    if not isinstance(model, dict) or "class_path" not in model:
        raise CheckpointError(f"{path} does not name the model it belongs to")
    module = _build(path, model["class_path"], model.get("init_args") or {})
    try:
        module.load_state_dict(tensors, strict=module.strict_loading)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path} does not fit {model['class_path']}: {reason}") from error
    return module.eval()


def _build(path: Path, class_path: str, init_args: dict[str, Any]) -> LightningModule:
    for name in (class_path, *_class_paths(init_args)):
        if not is_allowed(name):
            raise CheckpointError(
                f"{path} names the class {name}, which no installed plugin registers: it was not "
                "imported; install the plugin that the file belongs to"
            )
    module_name, _, class_name = class_path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(
            f"{path} names {class_path}, which cannot be imported: {error}"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, LightningModule)):
        raise CheckpointError(f"{path} names {class_path}, which is not a LightningModule")
    return instantiate_module(cls, {"_class_path": class_path, **init_args})


def _class_paths(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Import paths of the components named anywhere inside constructor arguments."""
    if isinstance(value, dict):
        if isinstance(value.get("class_path"), str):
            yield value["class_path"]
        for inner in value.values():
            yield from _class_paths(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _class_paths(inner)
