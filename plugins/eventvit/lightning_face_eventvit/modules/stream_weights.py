"""Starting one stream of a network from a trained classifier of its modality."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.checkpoint.weights import read_weights
from lightning_face.errors import WeightsError
from lightning_face_eventvit.importer import network_state_dict
from lightning_face_eventvit.networks.frame_encoder import FrameEncoder

__all__ = ["load_stream"]

_NETWORK = "network."


def load_stream(stream: FrameEncoder, path: Path | str) -> None:
    """Give a stream the weights of a classifier, less the parts that the stream lacks.

    Args:
        stream: Network of one modality, with or without temporal stage and head.
        path: Published weights of a single modality, or a folder written by ``lightning-face
            export`` or ``import`` from an `EventViTModule`.

    Raises:
        WeightsError: The weights are missing or are those of another network.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise WeightsError(
            f"no weights {path}: get best_model-event_pretrained.pth and "
            "best_model-RGB_pretrained.pth from the authors' repository lcultrera/Facemorphic_PI, "
            "or train a classifier of this modality and give the folder of its exported weights"
        )
    tensors = _read(path)
    expected = stream.state_dict()
    for name, wanted in expected.items():
        found = tensors.get(name)
        if found is None or found.shape != wanted.shape:
            has = "lacks it" if found is None else f"has {tuple(found.shape)}"
            raise WeightsError(
                f"{path} does not fit the network: {name} is {tuple(wanted.shape)}, the file "
                f"{has}; see that modality and sizes are those of the classifier"
            )
    stream.load_state_dict({name: tensors[name] for name in expected})


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_dir():
        try:
            return network_state_dict(load_tensors(path))
        except WeightsError as error:
            raise WeightsError(f"{path} is no classifier of one modality: {error}") from error
    tensors, _ = read_weights(path)
    return {
        name.removeprefix(_NETWORK): tensor
        for name, tensor in tensors.items()
        if name.startswith(_NETWORK)
    }
