"""A network that searches, from any file that holds one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_face.checkpoint.load import load
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_mars.importer import (
    PUBLISHED_WORDS,
    export_reference,
    infer_settings,
    inference_tensors,
    recognize,
)
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.published_files import Notes, published_tensors, read_notes
from lightning_face_mars.text.tokenizer import CaptionTokenizer
from lightning_face_mars.text.vocabulary import Vocabulary

__all__ = ["LoadedPersonSearch", "load_person_search", "read_network"]


@dataclass(frozen=True)
class LoadedPersonSearch:
    """A network with what its user has to know of it.

    Attributes:
        network: The network, in evaluation mode and without gradients.
        tokenizer: Makes the word pieces of captions that it was trained with.
        device: Where its weights are.
    """

    network: PersonSearchNetwork
    tokenizer: CaptionTokenizer
    device: torch.device

    @property
    def image_size(self) -> int:
        """Side in pixels of the squares that pictures are squashed into."""
        return self.network.image_size

    @property
    def max_words(self) -> int:
        """Words of a caption that are read."""
        return self.tokenizer.max_words


def load_person_search(
    path: Path | str, device: torch.device | str = "cpu", reconstruction: bool = False
) -> LoadedPersonSearch:
    """Read a trained network; what kind of file it is, is told from its content.

    Args:
        path: A checkpoint of a run (.ckpt), a folder of exported or imported weights, a published
            file of MARS, RaSa or ALBEF (.pth), or a converted one (.safetensors).
        device: Where to put it.
        reconstruction: Whether pictures are to be filled in as well. Without it all that only
            training needs is left out.

    Returns:
        The network, ready to use, in single precision.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
        WeightsError: It holds another model, or no branch of reconstructions.
    """
    path = Path(path).expanduser()
    tensors, notes = read_network(path)
    try:
        settings = infer_settings(tensors, notes)
        if reconstruction and not settings["reconstruction"]:
            raise WeightsError("it has no branch of reconstructions; only whole ones of MARS have")
        if not reconstruction:
            tensors = inference_tensors(tensors)
            settings = {**settings, "inference_only": True}
        network = _build(settings, tensors)
    except WeightsError as error:
        raise WeightsError(f"{path} holds no network for this: {error}") from None
    words = PUBLISHED_WORDS["mars" if network.full_ca else "rasa"]
    return LoadedPersonSearch(
        network=network.to(torch.device(device)),
        tokenizer=CaptionTokenizer(_vocabulary(notes), notes.max_words or words),
        device=torch.device(device),
    )


def read_network(path: Path) -> tuple[dict[str, Tensor], Notes]:
    """Read the tensors of a network under their published names, from any file that holds one.

    Args:
        path: As for `load_person_search`.

    Returns:
        The tensors, and what their shapes do not tell.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
        WeightsError: It holds another model.
    """
    if not path.exists():
        raise CheckpointError(f"no checkpoint {path}; give the path of a file or folder")
    if not (path.is_dir() or path.suffix == ".ckpt"):
        tensors = published_tensors(path)
        try:
            recognize(tensors)
        except WeightsError as error:
            raise WeightsError(f"{path} holds no network that searches persons: {error}") from None
        return tensors, read_notes(path)
    module = load(path)
    network = getattr(module, "network", None)
    if not isinstance(network, PersonSearchNetwork):
        raise WeightsError(
            f"{path} holds a {type(module).__name__}, which searches no persons; give a checkpoint "
            "of mars"
        )
    hparams: Mapping[str, Any] = module.hparams
    bert = network.text_encoder.settings
    notes = Notes(
        vision_heads=hparams["vision_heads"],
        text_heads=bert.num_attention_heads,
        decoder_heads=hparams["decoder_heads"],
        fusion_layer=bert.fusion_layer,
        max_words=hparams["max_words"],
        vocabulary=hparams["vocabulary"],
    )
    return export_reference(module.state_dict()), notes


def _build(settings: dict[str, Any], tensors: Mapping[str, Tensor]) -> PersonSearchNetwork:
    """Build a network around tensors, without filling it with random numbers before."""
    with torch.device("meta"):
        network = PersonSearchNetwork(**settings)
    try:
        network.load_state_dict(dict(tensors), strict=True, assign=True)
    except RuntimeError as error:
        raise WeightsError(" ".join(str(error).split())) from None
    return network.float().eval().requires_grad_(False)


def _vocabulary(notes: Notes) -> Vocabulary | None:
    if notes.vocabulary is None:
        return None
    content = "".join(f"{token}\n" for token in notes.vocabulary)
    return Vocabulary(tuple(notes.vocabulary), hashlib.sha256(content.encode()).hexdigest())
