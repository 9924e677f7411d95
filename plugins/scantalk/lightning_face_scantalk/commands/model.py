"""Networks for the verbs: from a run, from exported weights, or as published."""

from __future__ import annotations

from pathlib import Path

import lightning_face
from lightning_face.errors import WeightsError
from lightning_face_scantalk.importer import load_published
from lightning_face_scantalk.networks.scantalk import ScanTalk

__all__ = ["load_network"]

_PUBLISHED = (".tar", ".pth", ".pt", ".safetensors")


def load_network(path: Path) -> ScanTalk:
    """Load a network in evaluation mode.

    Args:
        path: Folder of exported weights, a checkpoint, or a published file.

    Raises:
        CheckpointError: If a checkpoint is damaged or names a foreign class.
        WeightsError: If the file is missing or belongs to another model.
    """
    path = path.expanduser()
    if not path.exists():
        raise WeightsError(
            f"--weights {path}: there is no such file or folder; give a checkpoint of `lightning-"
            "face fit`, a folder of `lightning-face import scantalk`, or the authors' "
            "scantalk_mse.pth.tar"
        )
    if path.suffix.lower() in _PUBLISHED and not path.is_dir():
        return load_published(path)
    model = lightning_face.load(path)
    network = getattr(model, "network", None)
    if not isinstance(network, ScanTalk):
        raise WeightsError(f"{path} holds {type(model).__name__}, which is no ScanTalk")
    return network.eval()
