"""Published checkpoints, and the template files that their networks need."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import (
    HIERARCHY_FILE,
    read_published_hierarchy,
)

__all__ = ["beside", "find_checkpoint", "published_tensors"]

SUFFIXES = (".tar", ".pth", ".pt", ".ckpt", ".safetensors")

# what the training script and wrappers of a network put before its names
PREFIX = re.compile(r"^(autoencoder_state_dict\.|module\.|_orig_mod\.)+")
# parts of a training checkpoint that are no weights
TRAINING_STATE = re.compile(r"^optimizer_state_dict\.")


def find_checkpoint(source: Path, name: str) -> Path:
    """Find the checkpoint of a network.

    Args:
        source: The file itself, or the folder that has it.
        name: Published name of the file, which goes before others of a folder.

    Raises:
        WeightsError: The folder has no checkpoint, or several, none of that name.
    """
    if not source.is_dir():
        return source
    if (source / name).is_file():
        return source / name
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES)
    if len(found) == 1:
        return found[0]
    held = ", ".join(path.name for path in found) or "no checkpoint"
    raise WeightsError(f"{source} has {held}, and no {name}: name the file itself")


def beside(checkpoint: Path) -> MeshHierarchy:
    """Read the mesh hierarchy that lies beside a checkpoint, which does not contain it.

    Args:
        checkpoint: The file.

    Raises:
        WeightsError: There is none.
        DataError: It is damaged.
    """
    path = checkpoint.parent / HIERARCHY_FILE
    if not path.is_file():
        raise WeightsError(
            f"{checkpoint} is of use only together with the template that it was trained on: put "
            f"{HIERARCHY_FILE}, from src/template of github.com/miccunifi/EmoVOCA, beside it"
        )
    return read_published_hierarchy(path)


def published_tensors(path: Path) -> dict[str, tuple[str, Tensor]]:
    """Read the weights of a published checkpoint, without the state of its optimiser.

    Args:
        path: Training checkpoint or state dict, ``.tar``, ``.pth`` or ``.safetensors``.

    Returns:
        Name in the file and tensor, by published name without the prefixes of wrappers.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
    """
    return {
        PREFIX.sub("", key): (key, tensor)
        for key, tensor in load_tensors(path).items()
        if not TRAINING_STATE.match(key)
    }
