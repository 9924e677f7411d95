"""SCA-DM as its formulas are written: whole attention matrices, label maps read at every step."""

from __future__ import annotations

import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_sis.networks.diffusion_res_block import DiffusionResBlock, SPADEResBlock
from lightning_face_sis.networks.diffusion_transformer import DiffusionTransformer, SelfAttention
from lightning_face_sis.networks.masked_attention import MaskedCrossAttention
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
from lightning_face_sis.networks.semantic_unet import SemanticUNet, timestep_embedding
from lightning_face_sis.networks.spade import SPADEGroupNorm
from lightning_face_sis.networks.vq_first_stage import VQFirstStage
from straightforward.ca2sis import encode_style

__all__ = ["decode", "nearest_codes", "predict", "sample"]


def predict(
    network: SemanticUNet, latents: Tensor, timesteps: Tensor, styles: Tensor, masks: Tensor
) -> Tensor:
    """Predict the noise, given whole masks ``(batch, classes, height, width)``."""
    embedding = network.time_embed(timestep_embedding(timesteps, network.model_channels))
    features, skips = latents, []
    for stage in network.input_blocks:
        features = run(stage, features, embedding, styles, masks)
        skips.append(features)
    features = run(network.middle_block, features, embedding, styles, masks)
    for stage in network.output_blocks:
        features = torch.cat([features, skips.pop()], dim=1)
        features = run(stage, features, embedding, styles, masks)
    return network.out(features)


def run(
    stage: nn.Module, features: Tensor, embedding: Tensor, styles: Tensor, masks: Tensor
) -> Tensor:
    """Apply the layers of a stage."""
    for layer in stage.children():
        if isinstance(layer, DiffusionTransformer):
            features = transform(layer, features, styles, masks)
        elif isinstance(layer, DiffusionResBlock):
            features = convolve(layer, features, embedding, masks)
        else:
            features = layer(features)
    return features


def convolve(
    block: DiffusionResBlock, features: Tensor, embedding: Tensor, masks: Tensor
) -> Tensor:
    """Apply a residual block."""
    if isinstance(block, SPADEResBlock):
        hidden = block.in_layers(modulate(block.in_norm, features, masks))
        hidden = hidden + block.emb_layers(embedding)[:, :, None, None]
        hidden = block.out_layers(modulate(block.out_norm, hidden, masks))
    else:
        hidden = block.in_layers(features) + block.emb_layers(embedding)[:, :, None, None]
        hidden = block.out_layers(hidden)
    return by_matrix(block.skip_connection, features) + hidden


def modulate(norm: SPADEGroupNorm, features: Tensor, masks: Tensor) -> Tensor:
    """Apply a norm that reads the masks."""
    small = F.interpolate(masks, size=features.shape[2:], mode="nearest")
    hidden = norm.mlp_shared(small)
    return norm.norm(features) * (1 + norm.mlp_gamma(hidden)) + norm.mlp_beta(hidden)


def transform(
    layer: DiffusionTransformer, features: Tensor, styles: Tensor, masks: Tensor
) -> Tensor:
    """Apply a transformer."""
    grid = features.shape[2:]
    tokens = by_matrix(layer.proj_in, layer.norm(features)).flatten(2).transpose(1, 2).contiguous()
    for block in layer.transformer_blocks:
        tokens = attend(block.attn1, block.norm1(tokens)) + tokens
        tokens = attend_to_styles(block.attn2, block.norm2(tokens), styles, masks, grid) + tokens
        normed = block.norm3(tokens)
        value, gate = by_matrix(block.ff.net[0].proj, normed).chunk(2, dim=-1)
        tokens = by_matrix(block.ff.net[2], value * F.gelu(gate)) + tokens
    picture = tokens.transpose(1, 2).unflatten(2, grid).contiguous()
    return by_matrix(layer.proj_out, picture) + features


def attend(attention: SelfAttention, tokens: Tensor) -> Tensor:
    """Attend with the whole matrix of weights of every head."""
    layers = (attention.to_q, attention.to_k, attention.to_v)
    maps = (by_matrix(layer, tokens) for layer in layers)
    query, key, value = (x.unflatten(2, (attention.heads, -1)).transpose(1, 2) for x in maps)
    weights = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(dim=-1)
    return by_matrix(attention.to_out[0], (weights @ value).transpose(1, 2).flatten(2))


def attend_to_styles(
    attention: MaskedCrossAttention,
    tokens: Tensor,
    styles: Tensor,
    masks: Tensor,
    grid: tuple[int, int],
) -> Tensor:
    """Attend to the styles, the logits of each class multiplied by its mask."""
    maps = (by_matrix(attention.to_q, tokens), attention.to_k(styles), attention.to_v(styles))
    query, key, value = (x.unflatten(2, (attention.heads, -1)).transpose(1, 2) for x in maps)
    logits = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
    small = F.interpolate(masks, size=grid, mode="nearest").flatten(2).transpose(1, 2)
    logits = logits * small[:, None]
    logits = logits.masked_fill(logits == 0, torch.finfo(logits.dtype).min)
    mixed = (logits.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
    return by_matrix(attention.to_out[0], mixed)


def by_matrix(layer: nn.Module, pixels: Tensor) -> Tensor:
    """Apply a linear layer or a convolution 1x1 by the plain functions of the library."""
    if isinstance(layer, nn.Conv2d):
        return F.conv2d(pixels, layer.weight, layer.bias)
    return F.linear(pixels, layer.weight, layer.bias) if isinstance(layer, nn.Linear) else pixels


def nearest_codes(vectors: Tensor, codes: Tensor) -> Tensor:
    """Find the nearest code of every vector ``(count, dim)`` with all distances at once."""
    distances = (
        vectors.square().sum(dim=1, keepdim=True)
        + codes.square().sum(dim=1)
        - 2 * vectors @ codes.t()
    )
    return distances.argmin(dim=1)


def decode(network: VQFirstStage, latents: Tensor) -> Tensor:
    """Make latents into pictures with the whole matrix of weights in the middle."""
    autoencoder = network.autoencoder
    for attention in autoencoder.decoder.mid_block.attentions:
        attention.set_processor(AttnProcessor())
    rows = latents.permute(0, 2, 3, 1)
    indices = nearest_codes(rows.flatten(0, 2), network.codebook)
    codes = network.codebook[indices].view(rows.shape).permute(0, 3, 1, 2).contiguous()
    return autoencoder.decoder(autoencoder.post_quant_conv(codes))


def sample(
    network: SemanticDiffusion, noise: Tensor, images: Tensor, masks: Tensor, steps: int
) -> Tensor:
    """Give the styles of pictures to their own masks by DDIM, without noise of its own."""
    styles = encode_style(network.style_encoder, images, masks)
    alphas = network.schedule.alphas_cumprod.double()
    apart = len(alphas) // steps
    times = [1 + apart * number for number in range(steps)]
    latents = noise
    for number in reversed(range(steps)):
        time = torch.full((len(noise),), times[number])
        predicted = predict(network.unet, latents, time, styles, masks)
        here, there = alphas[times[number]], alphas[times[number - 1] if number else 0]
        clean = (latents - (1 - here).sqrt() * predicted) / here.sqrt()
        latents = (there.sqrt() * clean + (1 - there).sqrt() * predicted).float()
    return decode(network.first_stage, latents)
