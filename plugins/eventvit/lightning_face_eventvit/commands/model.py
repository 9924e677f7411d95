"""Models for the verbs: from a run, from exported weights, or as published."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import LightningModule

import lightning_face
from lightning_face.errors import WeightsError
from lightning_face_eventvit.importer import import_event_vit
from lightning_face_eventvit.modules.event_vit_module import EventViTModule

__all__ = ["load_event_vit", "load_model"]

_PUBLISHED = (".pth", ".pt", ".safetensors")


def load_model(path: Path) -> LightningModule:
    """Load a model in evaluation mode.

    Args:
        path: Folder of exported weights, a checkpoint, or a published file of one modality.

    Raises:
        CheckpointError: If a checkpoint is damaged or names a foreign class.
        WeightsError: If the weights do not fit, or belong to a model that knows no classes.
    """
    path = path.expanduser()
    if path.suffix.lower() in _PUBLISHED and not path.is_dir():
        imported = import_event_vit(path)
        published = EventViTModule(**imported.init_args)
        published.load_state_dict(imported.state_dict)
        return published.eval()
    model = lightning_face.load(path)
    if not hasattr(model, "class_names"):
        raise WeightsError(f"{path} holds {type(model).__name__}, which knows no Action Units")
    return model


def load_event_vit(path: Path, purpose: str) -> EventViTModule:
    """Load a model of one modality whose frames go through an `EventViT` one by one.

    Args:
        path: As for `load_model`.
        purpose: What it is for, for the error.

    Raises:
        CheckpointError: If a checkpoint is damaged or names a foreign class.
        WeightsError: If the file holds another model.
    """
    model = load_model(path)
    if not isinstance(model, EventViTModule):
        raise WeightsError(f"{path} holds {type(model).__name__}: {purpose} takes an event-vit")
    return model
