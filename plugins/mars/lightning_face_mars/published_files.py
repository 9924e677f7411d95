"""Files of weights under the published names: the authors' own, and converted ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import CheckpointError, ConfigError, WeightsError

__all__ = ["Notes", "check_name", "published_tensors", "read_notes", "write_published"]

_NOTES = "lightning_face_mars"

# second names of tied tensors, and the first ones
_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
_TEXT_ENCODERS = ("text_encoder.", "text_encoder_m.")
_PATCHES = "visual_encoder.patch_embed.proj.weight"


@dataclass(frozen=True)
class Notes:
    """What shapes of tensors do not tell, kept in the header of a converted file.

    Attributes:
        vision_heads: Heads of the image encoder.
        text_heads: Heads of the text encoder.
        decoder_heads: Heads of the reconstruction decoder.
        fusion_layer: Layer of the text encoder where fusion begins.
        max_words: Words of a caption that are read.
        vocabulary: Word pieces, where they are not those of bert-base-uncased.
    """

    vision_heads: int | None = None
    text_heads: int | None = None
    decoder_heads: int = 8
    fusion_layer: int | None = None
    max_words: int | None = None
    vocabulary: list[str] | None = field(default=None, repr=False)


def published_tensors(source: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, both names of tied ones among them.

    Args:
        source: Published file, or one of `write_published`.

    Raises:
        WeightsError: Tensors that are one in the network differ in the file.
        CheckpointError: The file is missing, damaged, or needs code to be read.
    """
    # a result that was saved along with the weights may be a number of NumPy
    with torch.serialization.safe_globals(_numpy_numbers()):
        found = load_tensors(source)
    tensors = _without_prefix(found)
    for encoder in _TEXT_ENCODERS:
        if f"{encoder}cls.predictions.bias" in tensors:
            for second, first in _TIED.items():
                _tie(tensors, encoder + second, encoder + first, source)
        positions = tensors.get(f"{encoder}bert.embeddings.position_embeddings.weight")
        if positions is not None:
            # newer versions of the library that made the files leave the numbers out
            numbers = torch.arange(len(positions))[None]
            tensors.setdefault(f"{encoder}bert.embeddings.position_ids", numbers)
    return tensors


def _tie(tensors: dict[str, Tensor], second: str, first: str, source: Path) -> None:
    if first in tensors and not torch.equal(
        tensors.setdefault(second, tensors[first]), tensors[first]
    ):
        raise WeightsError(
            f"{source}: {second} must equal {first}, which is the same tensor of the network"
        )


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop what wrappers put before the names, and the tensors that lie beside the network."""
    for prefix in ("model.", "module.", "model.module."):
        if prefix + _PATCHES in tensors:
            return {
                name.removeprefix(prefix): value
                for name, value in tensors.items()
                if name.startswith(prefix)
            }
    return tensors


def _numpy_numbers() -> list[Any]:
    """List what a pickled number of NumPy asks for; none of it runs code of the file."""
    scalar = np.float64(0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = {type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64)}
    return [np.dtype, *kinds, *((scalar, name) for name in names)]


def read_notes(source: Path) -> Notes:
    """Read the notes of a converted file; other files have none.

    Args:
        source: Published file, or one of `write_published`.

    Raises:
        CheckpointError: The file is damaged.
    """
    if source.suffix != ".safetensors":
        return Notes()
    try:
        with safe_open(source, "pt") as file:
            text = (file.metadata() or {}).get(_NOTES)
        return Notes() if text is None else Notes(**json.loads(text))
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"{source} is damaged: its header cannot be read ({error})") from None


def check_name(path: Path) -> None:
    """Check that the name of a new file tells its kind.

    Args:
        path: Where `write_published` is to write.

    Raises:
        ConfigError: It ends in neither ``.safetensors`` nor ``.pth``.
    """
    if path.suffix not in (".safetensors", ".pth"):
        raise ConfigError(f"{path}: give a name that ends in .safetensors or .pth")


def write_published(path: Path, tensors: Mapping[str, Tensor], notes: Notes) -> None:
    """Write tensors under published names.

    Args:
        path: ``.safetensors``, which keeps the notes, or ``.pth``, which the published code reads.
        tensors: Tensors by published names.
        notes: What their shapes do not tell.

    Raises:
        ConfigError: The name ends in something else.
    """
    check_name(path)
    with atomic_path(path) as temporary:
        if path.suffix == ".pth":
            torch.save({"model": dict(tensors)}, temporary)
            return
        # safetensors refuses tensors that share memory, as tied weights do
        own = {
            name: tensor.clone(memory_format=torch.contiguous_format)
            if name.endswith(tuple(_TIED))
            else tensor.contiguous()
            for name, tensor in tensors.items()
        }
        metadata = {"format": "pt", _NOTES: json.dumps(asdict(notes))}
        save_file(own, temporary, metadata=metadata)
