"""CA2-SIS as its formulas are written: whole attention matrices, every map on its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face_sis.networks.cross_attention import ClassCrossAttention
from lightning_face_sis.networks.feed_forward import GEGLU
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.res_block import SISResBlock
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder

__all__ = ["attend", "generate", "transform"]


def generate(network: CA2SISGenerator, images: Tensor, masks: Tensor) -> Tensor:
    """Reconstruct pictures ``(batch, 3, height, width)``."""
    styles = encode_style(network.style_encoder, images, masks)
    shown = masks[:, 1:] if network.exclude_background else masks
    small = F.interpolate(shown, size=(network.mask_embedder.mask_size,) * 2, mode="nearest")
    latents = network.mask_embedder.projection(small.flatten(2))
    features = network.input_conv(latents.unflatten(2, network.grid))
    for res_block, attention_block in zip(
        network.res_blocks, network.attention_blocks, strict=True
    ):
        features = transform(attention_block, convolve(res_block, features), styles)
    images = network.output_conv(features)
    return torch.tanh(images) if network.tanh_output else images


def encode_style(encoder: GroupedStyleEncoder, images: Tensor, masks: Tensor) -> Tensor:
    """Encode styles, each class pooled with a mask as large as the features."""
    features = encoder.stem(images)
    skips = []
    for layer in encoder.down_layers:
        features = layer(features)
        skips.append(features)
    features = skips.pop()
    codes = []
    for layer, code_layer in zip(encoder.up_layers, encoder.code_layers, strict=True):
        features = layer(F.interpolate(features, scale_factor=2, mode="bilinear"))
        mask = F.interpolate(masks, size=features.shape[2:], mode="nearest")
        mask = mask.repeat_interleave(features.shape[1] // masks.shape[1], dim=1)
        pooled = (features * mask).sum(dim=(2, 3)) / (mask.sum(dim=(2, 3)) + 1e-5)
        code = torch.tanh(code_layer(pooled[..., None]))
        codes.append(code.view(len(images), masks.shape[1], -1))
        if skips:
            features = torch.cat([features, skips.pop()], dim=1)
    return torch.cat(codes, dim=2)


def convolve(block: SISResBlock, features: Tensor) -> Tensor:
    """Apply a residual block, the picture enlarged before all convolutions."""
    hidden = F.silu(block.norm1(features))
    if block.upsample:
        hidden = F.interpolate(hidden, scale_factor=2, mode="nearest")
        features = F.interpolate(features, scale_factor=2, mode="nearest")
    hidden = block.conv2(F.silu(block.norm2(block.conv1(hidden))))
    return block.skip(features) + hidden


def transform(block: SpatialTransformer, features: Tensor, context: Tensor) -> Tensor:
    """Apply an attention block."""
    tokens = block.proj_in(block.norm(features)).flatten(2).transpose(1, 2)
    if block.self_attention is not None and block.self_norm is not None:
        normed = block.self_norm(tokens)
        tokens = attend(block.self_attention, normed, normed) + tokens
    tokens = attend(block.cross_attention, block.cross_norm(tokens), context) + tokens
    tokens = gate(block.feed_forward, block.feed_forward_norm(tokens)) + tokens
    picture = tokens.transpose(1, 2).unflatten(2, features.shape[2:])
    return block.proj_out(picture) + features


def attend(attention: ClassCrossAttention, tokens: Tensor, context: Tensor) -> Tensor:
    """Attend with the whole matrix of weights of every head."""
    maps = (attention.to_q(tokens), attention.to_k(context), attention.to_v(context))
    query, key, value = (x.unflatten(2, (attention.heads, -1)).transpose(1, 2) for x in maps)
    logits = query @ key.transpose(2, 3) * attention.head_dim**-0.5
    weights = logits.softmax(dim=-1)
    return attention.to_out((weights @ value).transpose(1, 2).flatten(2))


def gate(feed_forward: GEGLU, tokens: Tensor) -> Tensor:
    """Apply the gated feed-forward to all tokens at once."""
    value, gates = feed_forward.expand(tokens).chunk(2, dim=-1)
    return feed_forward.contract(value * F.gelu(gates))
