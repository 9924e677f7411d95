"""Checkpoints that survive crashes and are read without running code, and weights to share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.checkpoint.atomic import atomic_path, sweep_temporaries
    from lightning_face.checkpoint.export import export_checkpoint
    from lightning_face.checkpoint.importer import ImportedWeights, KeyMapReport, apply_key_map
    from lightning_face.checkpoint.io import AtomicCheckpointIO
    from lightning_face.checkpoint.safe_load import load_checkpoint, load_tensors
    from lightning_face.checkpoint.weights import read_weights, save_weights

__all__ = [
    "AtomicCheckpointIO",
    "ImportedWeights",
    "KeyMapReport",
    "apply_key_map",
    "atomic_path",
    "export_checkpoint",
    "load_checkpoint",
    "load_tensors",
    "read_weights",
    "save_weights",
    "sweep_temporaries",
]

# writing a file atomically must not wait for torch
lazy_package(
    __name__,
    {
        "atomic": ("atomic_path", "sweep_temporaries"),
        "export": ("export_checkpoint",),
        "importer": ("ImportedWeights", "KeyMapReport", "apply_key_map"),
        "io": ("AtomicCheckpointIO",),
        "safe_load": ("load_checkpoint", "load_tensors"),
        "weights": ("read_weights", "save_weights"),
    },
)
