"""Where the network looks, within frames and over time."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.frame_encoder import FrameEncoder

__all__ = ["attention_rollout", "class_attention", "temporal_attention"]

# the weights of every token in a frame are large: 600 kB for a frame of 196 patches and 4 heads
CHUNK_FRAMES = 16


@torch.no_grad()
def class_attention(network: FrameEncoder, clip: Tensor) -> Tensor:
    """Compute how much the class token of every frame looks at each patch.

    Args:
        network: Network with a spatial stage, such as an `EventViT`, in evaluation mode.
        clip: Frames ``(batch, frames, channels, height, width)``, floats in 0..1 or bytes.

    Returns:
        Weights ``(batch, frames, depth, heads, grid height, grid width)``; those of one frame, one
        block and one head add up to 1.
    """
    maps = []
    for frames in clip.flatten(0, 1).split(CHUNK_FRAMES):
        tokens, blocks = network.embed(frames), []
        for block in network.spatial_transformer.blocks:
            blocks.append(block.attention.weights(tokens)[:, :, 0, 1:])
            tokens = block(tokens)
        maps.append(torch.stack(blocks, dim=1))
    return _on_grid(torch.cat(maps), network, clip)


@torch.no_grad()
def attention_rollout(network: FrameEncoder, clip: Tensor) -> Tensor:
    """Follow the attention of every frame's class token back through all blocks to the patches.

    Half of what a token becomes in a block is taken to be the token itself (the residual), the
    other half what it looks at, averaged over heads.

    Args:
        network: Network with a spatial stage, in evaluation mode.
        clip: Frames ``(batch, frames, channels, height, width)``, floats in 0..1 or bytes.

    Returns:
        Weights ``(batch, frames, grid height, grid width)``; those of one frame add up to 1.

    Source:
        Abnar and Zuidema, "Quantifying Attention Flow in Transformers" (arXiv 2005.00928),
        section 3.
    """
    maps = []
    for frames in clip.flatten(0, 1).split(CHUNK_FRAMES):
        tokens = network.embed(frames)
        identity = torch.eye(tokens.shape[1]).to(tokens)
        flow = identity
        for block in network.spatial_transformer.blocks:
            flow = (block.attention.weights(tokens).mean(dim=1) + identity) / 2 @ flow
            tokens = block(tokens)
        seen = flow.expand(len(frames), -1, -1)[:, 0, 1:]
        maps.append(seen / seen.sum(dim=1, keepdim=True))
    return _on_grid(torch.cat(maps), network, clip)


@torch.no_grad()
def temporal_attention(
    network: EventViT, clip: Tensor, frame_valid: Tensor | None = None
) -> Tensor:
    """Compute how much each temporal block looks at each frame.

    Args:
        network: Network in evaluation mode.
        clip: Frames ``(batch, frames, channels, height, width)``, floats in 0..1 or bytes.
        frame_valid: False for padding that is not looked at, bool ``(batch, frames)``.

    Returns:
        Weights ``(batch, depth, heads, frames)`` of the class token, without the part by which it
        looks at itself; without a class token the mean over the frames that look.
    """
    tokens, visible, positions = network.temporal_input(
        network.frame_tokens(clip, frame_valid), frame_valid
    )
    maps = []
    for block in network.temporal_transformer.blocks:
        weights = block.attention.weights(tokens, visible, positions)
        maps.append(weights.mean(dim=2) if network.pool == "mean" else weights[:, :, 0, 1:])
        tokens = block(tokens, visible, positions)
    return torch.stack(maps, dim=1)


def _on_grid(maps: Tensor, network: FrameEncoder, clip: Tensor) -> Tensor:
    """Give maps ``(batch * frames, ..., patches)`` the axes of the clip and of its grid."""
    patch = network.to_patch_embedding.patch_size
    grid = (clip.shape[3] // patch, clip.shape[4] // patch)
    return maps.unflatten(-1, grid).unflatten(0, clip.shape[:2])
