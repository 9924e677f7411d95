"""Which patches of a picture speak for which words: Grad-CAM of a cross attention."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["DEFAULT_LAYER", "PUBLISHED_LAYERS", "HeatMaps", "heat_map"]

DEFAULT_LAYER = 7
"""Layer that the published code looks at, counted from 0."""

PUBLISHED_LAYERS = 12
"""Number of layers of the published text encoder."""


class HeatMaps(NamedTuple):
    """Relevance of patches for words.

    Attributes:
        maps: Relevance ``(batch, length, rows, columns)``, 0 or more, 0 for padding.
        logits: Of the matching head ``(batch, 2)``.
    """

    maps: Tensor
    logits: Tensor


def heat_map(
    network: PersonSearchNetwork,
    input_ids: Tensor,
    attention_mask: Tensor,
    image_tokens: Tensor,
    layer: int = DEFAULT_LAYER,
) -> HeatMaps:
    """Weigh the attention of a layer by how much it raises the matching score.

    Args:
        network: Network in evaluation mode.
        input_ids: Word pieces ``(batch, length)``.
        attention_mask: 1 for word pieces, 0 for padding ``(batch, length)``.
        image_tokens: Tokens of the pictures ``(batch, 1 + patches, vision_width)``.
        layer: Number of the layer, counted from 0.

    Returns:
        Maps, and the logits they explain.

    Raises:
        ConfigError: The layer does not exist or has no cross attention.

    Source:
        Li et al., "Align before Fuse", section 6.4 and appendix (Grad-CAM of the cross
        attention's heads, positive gradients only).
    """
    with torch.enable_grad():
        # gradients are wanted of the attention alone, and begin at a leaf of their own
        tokens = image_tokens.detach().requires_grad_()
        hidden, attention = network.text_encoder.cross_attention(
            input_ids, attention_mask, tokens, layer
        )
        logits = network.itm_head(hidden[:, 0])
        (gradient,) = torch.autograd.grad(logits[:, 1].sum(), attention)
    weighted = (attention.detach() * gradient.clamp(min=0)).mean(dim=1)[:, :, 1:]
    side = round(weighted.shape[-1] ** 0.5)
    maps = weighted * attention_mask[:, :, None].to(weighted.dtype)
    return HeatMaps(maps.unflatten(-1, (side, -1)), logits.detach())
