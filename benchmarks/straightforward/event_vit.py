"""The event ViT layer by layer: copies of shifted frames, whole attention matrices, all tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_eventvit.networks.event_vit import EventViT

__all__ = ["frame_tokens", "logits"]

# left, right, above and below of each copy: the content moves right, left, down and up
SHIFTS = ((1, -1, 0, 0), (-1, 1, 0, 0), (0, 0, 1, -1), (0, 0, -1, 1))


def logits(network: EventViT, clip: Tensor) -> Tensor:
    """Classify clips ``(batch, frames, channels, height, width)`` with the weights of a network."""
    tokens = frame_tokens(network, clip)
    tokens = torch.cat([network.temporal_cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
    for attention, feed_forward in network.temporal_transformer.layers:
        width = attention.to_qkv.out_features // (3 * attention.heads)
        tokens = attend(attention, tokens, width**-0.5, mask=False) + tokens
        tokens = feed_forward(tokens) + tokens
    return network.mlp_head(network.temporal_transformer.norm(tokens)[:, 0])


def frame_tokens(network: EventViT, clip: Tensor) -> Tensor:
    """Give the class token of every frame ``(batch, frames, dim)``."""
    tokens = tokenize(network, clip)
    tokens = torch.cat([network.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
    tokens = network.emb_dropout(tokens + network.pos_embedding[:, : tokens.shape[1]])
    for attention, feed_forward in network.spatial_transformer.layers:
        tokens = attend(attention, tokens, attention.temperature.exp(), mask=True) + tokens
        tokens = feed_forward(tokens) + tokens
    return tokens[:, 0].unflatten(0, clip.shape[:2])


def tokenize(network: EventViT, clip: Tensor) -> Tensor:
    """Cut five copies of every frame into patches and map their normalised pixels."""
    embedding = network.to_patch_embedding
    patch = embedding.patch_size
    copies = torch.cat([clip, *(F.pad(clip, shift) for shift in SHIFTS)], dim=2).flatten(0, 1)
    patches = copies.unflatten(3, (-1, patch)).unflatten(2, (-1, patch))
    patches = patches.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
    return embedding.to_patch_tokens(patches)


def attend(layer: nn.Module, tokens: Tensor, scale: Tensor | float, mask: bool) -> Tensor:
    """Attend with the whole matrix of scores, every token's own masked where asked for."""
    parts = layer.to_qkv(layer.norm(tokens)).chunk(3, dim=-1)
    query, key, value = (x.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for x in parts)
    scores = query @ key.transpose(-1, -2) * scale
    if mask:
        diagonal = torch.eye(scores.shape[-1], dtype=torch.bool)
        scores = scores.masked_fill(diagonal, -torch.finfo(scores.dtype).max)
    weights = F.dropout(scores.softmax(dim=-1), layer.dropout, layer.training)
    return layer.to_out((weights @ value).transpose(1, 2).flatten(2))
