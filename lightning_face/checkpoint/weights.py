"""Weights to share: a folder of ``weights.safetensors``, ``config.yaml`` and ``sha256``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.digest import file_digest, read_digests, write_digests
from lightning_face.errors import WeightsError

__all__ = ["read_weights", "save_weights"]

_WEIGHTS = "weights.safetensors"
_CONFIG = "config.yaml"
_DIGESTS = "sha256"


def save_weights(folder: Path | str, state_dict: dict[str, Tensor], model: dict[str, Any]) -> None:
    """Write the weights of a model together with what is needed to build it.

    Args:
        folder: Folder to make, or whose files to replace.
        state_dict: Tensors by name.
        model: ``{"class_path": ..., "init_args": {...}}`` with plain values.
    """
    folder = Path(folder)
    # without the list of checksums the folder counts as incomplete while its files change
    (folder / _DIGESTS).unlink(missing_ok=True)
    with atomic_path(folder / _WEIGHTS) as temporary:
        # safetensors refuses tensors that share memory, as tied weights do
        tensors = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in state_dict.items()
        }
        save_file(tensors, temporary, metadata={"format": "pt"})
    with atomic_path(folder / _CONFIG) as temporary:
        temporary.write_text(yaml.safe_dump({"model": model}, sort_keys=False))
    names = (_WEIGHTS, _CONFIG)
    write_digests(folder / _DIGESTS, {name: {file_digest(folder / name)} for name in names})


def read_weights(folder: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a folder written by :func:`save_weights`.

    Returns:
        The tensors by name, and the config ``{"model": {"class_path": ..., "init_args": ...}}``.

    Raises:
        WeightsError: If a file is missing or is not the one that was written.
    """
    folder = Path(folder)
    known = read_digests(folder / _DIGESTS)
    for name in (_WEIGHTS, _CONFIG, _DIGESTS):
        if not (folder / name).is_file():
            raise WeightsError(
                f"{folder} is no complete folder of exported weights: {name} is missing; make it "
                "with `lightning-face export` or `lightning-face import`"
            )
    for name in (_WEIGHTS, _CONFIG):
        if file_digest(folder / name) not in known.get(name, set()):
            raise WeightsError(
                f"{folder / name} does not match {folder / _DIGESTS}: it is damaged or was edited; "
                "export or copy it again"
            )
    try:
        tensors = load_file(folder / _WEIGHTS)
        config = yaml.safe_load((folder / _CONFIG).read_text())
    except (SafetensorError, yaml.YAMLError) as error:
        raise WeightsError(f"{folder} cannot be read: {error}") from error
    return tensors, config
