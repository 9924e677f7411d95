"""Reading of checkpoints, ours and other people's, without running any code in them."""

from __future__ import annotations

import argparse
import pickle
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lightning_face.checkpoint.digest import file_digest, read_digests, sidecar
from lightning_face.errors import CheckpointError

__all__ = ["load_checkpoint", "load_tensors"]

# Nested dicts under which published files keep the weights of their network.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net", "params_ema", "params")


def load_checkpoint(path: Path | str, map_location: Any = "cpu") -> dict[str, Any]:  # noqa: ANN401
    """Read a training checkpoint and compare it with its checksum.

    Args:
        path: File written by the trainer; a link is followed.
        map_location: Where to put the tensors, as in ``torch.load``.

    Raises:
        CheckpointError: If the file is missing, damaged, or holds more than plain values.
    """
    path = _existing(path).resolve()
    known = read_digests(sidecar(path)).get(path.name)
    if known and file_digest(path) not in known:
        raise CheckpointError(
            f"{path} is damaged: its content does not match {sidecar(path).name}; use an older "
            "checkpoint or copy it again"
        )
    content = _load_plain(path, map_location)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is not a training checkpoint: it holds no dictionary")
    return content


def load_tensors(path: Path | str) -> dict[str, Tensor]:
    """Read the tensors of a published weights file, by their dotted names.

    A dictionary under one of the usual names (``state_dict``, ``model``, ...) is taken out of
    its wrapper. Where a file holds several networks, the names begin with the network's key.

    Args:
        path: File of format .safetensors, or a pickle of plain values (.pth, .pt, .ckpt, .bin).

    Raises:
        CheckpointError: If the file is missing, damaged, needs code to be read, or has no tensors.
    """
    path = _existing(path)
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f"{path} is damaged or incomplete ({error})") from error
    # the command-line options that training scripts save along are only a bag of values
    with torch.serialization.safe_globals([argparse.Namespace]):
        content = _load_plain(path, "cpu")
    while isinstance(content, dict) and not any(isinstance(v, Tensor) for v in content.values()):
        inner = next(
            (content[key] for key in _WRAPPERS if isinstance(content.get(key), dict)), None
        )
        if inner is None:
            break
        content = inner
    tensors = _flatten(content) if isinstance(content, dict) else {}
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors by name: it is not a weights file")
    return tensors


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no such checkpoint file: {path}")
    return path


def _load_plain(path: Path, map_location: Any) -> Any:  # noqa: ANN401
    try:
        # passed explicitly: the environment cannot overrule it then
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        # damaged bytes make the unpickler raise errors of any kind
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if isinstance(error, pickle.UnpicklingError) and found:
            raise CheckpointError(
                f"{path} was not read: it asks for {found[1]}, and anything but tensors and "
                "plain values would run code; save the state_dict alone, where you trust it"
            ) from error
        first = str(error).strip().partition("\n")[0].partition(". ")[0]
        raise CheckpointError(
            f"{path} is damaged, incomplete or no checkpoint ({first or type(error).__name__}); "
            "copy or download it again"
        ) from error


def _flatten(tree: dict[Any, Any], prefix: str = "") -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for key, value in tree.items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}{key}"] = value
        elif isinstance(value, dict):
            tensors.update(_flatten(value, f"{prefix}{key}."))
    return tensors
