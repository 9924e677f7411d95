"""Both encoders as ONNX files, for programs without this framework."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.onnx_file import write_onnx
from lightning_face.errors import RunError
from lightning_face_mars.data.transforms import MEAN, STANDARD_DEVIATION
from lightning_face_mars.loading import LoadedPersonSearch
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.text.tokenizer import MAX_POSITIONS

__all__ = ["export_encoders"]

_DISTRIBUTION = "lightning-face-mars"
# what single precision leaves between two orders of the same sums, in features of length 1
_TOLERANCE = 1e-4


class ImageFeatures(nn.Module):
    """Pictures to unit features.

    Args:
        network: The network.
    """

    def __init__(self, network: PersonSearchNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised pictures ``(batch, 3, size, size)`` to ``(batch, features)``."""
        return self.network.encode_image(images)[1]


class TextFeatures(nn.Module):
    """Word pieces to unit features.

    Args:
        network: The network.
    """

    def __init__(self, network: PersonSearchNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Map word pieces and their mask ``(batch, length)`` to ``(batch, features)``."""
        return self.network.encode_text(input_ids, attention_mask)[1]


@torch.no_grad()
def export_encoders(loaded: LoadedPersonSearch, folder: Path) -> dict[Path, float]:
    """Write both encoders, the word pieces, and what a program has to know to feed them.

    Each file is computed with other sizes than it was made with, and compared with the network.

    Args:
        loaded: The network, on the CPU.
        folder: Where ``image_encoder.onnx``, ``text_encoder.onnx``, ``vocab.txt`` and
            ``settings.json`` go.

    Returns:
        Largest difference of a feature, by the file of the encoder.

    Raises:
        ConfigError: The packages that write ONNX are missing.
        RunError: A file computes something else than the network.
    """
    size, words = loaded.image_size, loaded.tokenizer
    images = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(0))
    texts = words.encode_batch(["a woman in a red coat", "the man has black hair and a green bag"])
    more = words.encode_batch(["a man", "a woman with a white shirt and blue pants", "the man"])
    longest = min(MAX_POSITIONS, loaded.network.text_encoder.settings.max_position_embeddings)
    batch, length = Dim("batch", min=1), Dim("length", min=1, max=longest)
    text_names = ("input_ids", "attention_mask")
    report = {
        folder / "image_encoder.onnx": _export(
            ImageFeatures(loaded.network).eval(),
            {"images": images[:2]},
            [{0: batch}],
            [images],
            folder / "image_encoder.onnx",
        ),
        folder / "text_encoder.onnx": _export(
            TextFeatures(loaded.network).eval(),
            dict(zip(text_names, texts, strict=True)),
            [{0: batch, 1: length}] * 2,
            more,
            folder / "text_encoder.onnx",
        ),
    }
    settings = {
        "image_size": size,
        "resize": "squash to a square, bicubic, on 8-bit values",
        "mean": MEAN,
        "standard_deviation": STANDARD_DEVIATION,
        "max_words": loaded.max_words,
        "class_id": words.vocabulary.class_id,
        "pad_id": words.vocabulary.pad_id,
        "text": "the class token and the word pieces, nothing behind them",
    }
    for name, content in (
        ("vocab.txt", "\n".join(words.vocabulary.tokens)),
        ("settings.json", json.dumps(settings, indent=1)),
    ):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(f"{content}\n", encoding="utf-8")
    return report


def _export(
    encoder: nn.Module,
    inputs: Mapping[str, Tensor],
    free: Sequence[Mapping[int, Any]],
    others: Sequence[Tensor],
    path: Path,
) -> float:
    with atomic_path(path) as temporary:
        run = write_onnx(encoder, inputs, "features", free, temporary, _DISTRIBUTION)
        difference = float((run(*others) - encoder(*others)).abs().max())
        if not difference <= _TOLERANCE:
            raise RunError(
                f"{path.name} would differ from the network by {difference:.1e} and was not "
                "written: try other versions of onnxscript and onnxruntime"
            )
    return difference
