"""The networks as the paper writes them: slow, and without any of the shortcuts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.shifted_patch_tokenization import ShiftedPatchTokenizer


def tokenize(tokenizer: ShiftedPatchTokenizer, clip: Tensor) -> Tensor:
    patch = tokenizer.patch_size
    moves = ((1, -1, 0, 0), (-1, 1, 0, 0), (0, 0, 1, -1), (0, 0, -1, 1))
    versions = torch.cat([clip, *(F.pad(clip, move) for move in moves)], dim=2)
    rows, columns = clip.shape[3] // patch, clip.shape[4] // patch
    patches = versions.flatten(0, 1).unflatten(3, (columns, patch)).unflatten(2, (rows, patch))
    return tokenizer.to_patch_tokens(patches.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2))


def attend(layer: nn.Module, tokens: Tensor, scale: Tensor | float, hidden: Tensor) -> Tensor:
    parts = layer.to_qkv(layer.norm(tokens)).chunk(3, dim=-1)
    query, key, value = (part.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for part in parts)
    scores = query @ key.transpose(-1, -2) * scale
    scores = scores.masked_fill(hidden, -torch.finfo(scores.dtype).max)
    return layer.to_out((scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2))


def attend_locally(layer: nn.Module, tokens: Tensor) -> Tensor:
    diagonal = torch.eye(tokens.shape[1], dtype=torch.bool)
    return attend(layer, tokens, layer.temperature.exp(), diagonal)


def attend_over_time(layer: nn.Module, tokens: Tensor) -> Tensor:
    dim_head = layer.to_qkv.out_features // (3 * layer.heads)
    return attend(layer, tokens, dim_head**-0.5, torch.tensor(False))


def frame_tokens(network: EventViT, clip: Tensor) -> Tensor:
    tokens = tokenize(network.to_patch_embedding, clip)
    tokens = torch.cat([network.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
    tokens = tokens + network.pos_embedding[:, : tokens.shape[1]]
    for attention, feed_forward in network.spatial_transformer.layers:
        tokens = attend_locally(attention, tokens) + tokens
        tokens = feed_forward(tokens) + tokens
    pooled = tokens[:, 0] if network.pool == "cls" else tokens.mean(dim=1)
    return pooled.unflatten(0, clip.shape[:2])


def classify(network: EventViT, clip: Tensor) -> Tensor:
    tokens = frame_tokens(network, clip)
    if network.pool == "cls":
        tokens = torch.cat([network.temporal_cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
    for attention, feed_forward in network.temporal_transformer.layers:
        tokens = attend_over_time(attention, tokens) + tokens
        tokens = feed_forward(tokens) + tokens
    tokens = network.temporal_transformer.norm(tokens)
    return network.mlp_head(tokens[:, 0] if network.pool == "cls" else tokens.mean(dim=1))


@pytest.fixture
def paper() -> SimpleNamespace:
    """The formulation that everything here is compared with."""
    return SimpleNamespace(
        tokenize=tokenize,
        attend_locally=attend_locally,
        attend_over_time=attend_over_time,
        frame_tokens=frame_tokens,
        classify=classify,
    )
