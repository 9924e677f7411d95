"""Heat maps of words, drawn over a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_face.render.color_map import heat_colors

__all__ = ["draw_heat_map", "word_maps"]

_OPACITY = 0.75


def word_maps(
    maps: Tensor, tokens: Sequence[str], class_token: bool = False
) -> list[tuple[str, Tensor]]:
    """Join the maps of the pieces of a word.

    Args:
        maps: Relevance of the patches for each token ``(tokens, rows, columns)``.
        tokens: Word pieces, the class token first.
        class_token: Whether to give the map of the class token too.

    Returns:
        Words and their maps ``(rows, columns)``, the mean of those of their pieces.
    """
    words: list[tuple[str, list[Tensor]]] = []
    for token, each in zip(tokens, maps, strict=True):
        if token.startswith("##") and words:
            name, pieces = words[-1]
            words[-1] = (name + token[2:], [*pieces, each])
        else:
            words.append((token, [each]))
    chosen = words if class_token else words[1:]
    return [(name, torch.stack(pieces).mean(dim=0)) for name, pieces in chosen]


def draw_heat_map(picture: Image.Image, relevance: Tensor, highest: float) -> Image.Image:
    """Lay the relevance of patches over a picture, strong where it is high.

    Args:
        picture: The picture in its own aspect ratio, mode ``RGB``.
        relevance: ``(rows, columns)``, 0 or more.
        highest: Relevance of the strongest colour, above 0.

    Returns:
        The picture, grey where nothing is relevant.
    """
    small = Image.fromarray(relevance.float().cpu().numpy(), mode="F")
    smooth = np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC))
    part = np.clip(smooth / highest, 0, 1)[..., None]
    grey = np.asarray(picture.convert("L"), dtype=np.float64)[..., None]
    colors = 255 * heat_colors(part[..., 0], 1.0)
    weight = _OPACITY * np.sqrt(part)
    return Image.fromarray(np.rint(grey * (1 - weight) + colors * weight).astype(np.uint8))
