"""Pictures of which class every pixel looks at, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn
from torch.nn import functional

from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["attention_grid", "attention_maps", "diffusion_attention_maps"]

_GAP, _MARGIN, _LABELS, _HEADER = 6, 14, 92, 26
_PAPER, _INK, _SOFT = (24, 26, 31), (232, 234, 238), (150, 155, 165)
# dark to bright as a glowing body: red, green and blue at equal steps of weight
_GLOW = np.array(
    [(0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164)],
    np.float64,
)


@torch.no_grad()
def attention_maps(network: CA2SISGenerator, latents: Tensor, styles: Tensor) -> list[Tensor]:
    """Compute how much every pixel looks at each style code while an image is made.

    Args:
        network: Generator in evaluation mode.
        latents: Embedded masks ``(batch, channels, grid height, grid width)``.
        styles: Style codes ``(batch, tokens, width)``.

    Returns:
        For each of the five blocks, from coarse to fine, the mean over the heads of the weights
        ``(batch, tokens, height, width)``; those of a pixel add up to 1.
    """
    maps: list[Tensor] = []

    def look(block: nn.Module, inputs: tuple[Any, ...]) -> None:
        maps.append(_weights(cast(SpatialTransformer, block), inputs[0], inputs[1]))

    hooks = [block.register_forward_pre_hook(look) for block in network.attention_blocks]
    try:
        network.decode(latents, styles)
    finally:
        for hook in hooks:
            hook.remove()
    return maps


@torch.no_grad()
def diffusion_attention_maps(
    network: SemanticDiffusion, latents: Tensor, timestep: int, labels: Tensor, styles: Tensor
) -> list[Tensor]:
    """Compute how much every latent pixel looks at each style at one step of a diffusion model.

    Where attention is masked, a pixel looks at the style of its own class alone, and the maps show
    which parts are too thin to be seen in the small pictures of the inner blocks.

    Args:
        network: The model in evaluation mode.
        latents: Noisy latents ``(batch, channels, height, width)``.
        timestep: Their timestep.
        labels: Class numbers ``(batch, 1, ., .)``.
        styles: Style of every class ``(batch, classes, width)``.

    Returns:
        For each block, in the order of the network, the mean over the heads of the weights
        ``(batch, classes, height, width)``; those of a pixel add up to 1.
    """
    times = torch.full((len(latents),), timestep, device=latents.device)
    _, found = network.unet(latents, times, styles, labels, with_logits=True)
    pyramid = LabelPyramid(labels, network.num_classes)
    maps = []
    for logits, grid in found:
        if network.unet.mask_attention:
            masks = pyramid.masks(grid).flatten(2).transpose(1, 2).unsqueeze(1)
            products = logits * masks
            logits = products.masked_fill(products == 0, torch.finfo(products.dtype).min)
        weights = logits.softmax(dim=3).mean(dim=1)
        maps.append(weights.transpose(1, 2).unflatten(2, grid))
    return maps


def attention_grid(
    maps: Sequence[Tensor], names: Sequence[str], image: Image.Image, side: int = 112
) -> Image.Image:
    """Lay attention over an image: a row for each class, a column for each block.

    Args:
        maps: Weights of each block for one image ``(tokens, height, width)``.
        names: Names of the tokens to show, by their order; an empty name leaves a token out.
        image: The image that was made.
        side: Height of a picture in pixels.

    Returns:
        The grid. In a picture the brightest colour is weight 1.
    """
    size = round(side * image.width / image.height), side
    small = image.resize(size, Image.Resampling.LANCZOS)
    grey = np.asarray(small.convert("L"), np.float64)[..., None]
    shown = [number for number, name in enumerate(names) if name]
    step_x, step_y = size[0] + _GAP, size[1] + _GAP
    sheet = Image.new(
        "RGB",
        (
            2 * _MARGIN + _LABELS + (len(maps) + 1) * step_x - _GAP,
            2 * _MARGIN + _HEADER + len(shown) * step_y - _GAP,
        ),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    left, top = _MARGIN + _LABELS, _MARGIN + _HEADER
    titles = ["image", *(f"{each.shape[1]} x {each.shape[2]}" for each in maps)]
    for column, title in enumerate(titles):
        place = left + column * step_x + size[0] / 2, _MARGIN + 8
        draw.text(place, title, _SOFT, font, anchor="mm")
    sheet.paste(small, (left, top))
    for row, number in enumerate(shown):
        y = top + row * step_y
        draw.text((_MARGIN, y + side / 2), names[number], _INK, font, anchor="lm")
        for column, weights in enumerate(maps, start=1):
            heat = functional.interpolate(
                weights[None, number : number + 1].float().cpu(),
                size=(size[1], size[0]),
                mode="bilinear",
            )
            sheet.paste(_glowing(heat[0, 0].numpy(), grey), (left + column * step_x, y))
    return sheet


def _weights(block: SpatialTransformer, features: Tensor, context: Tensor) -> Tensor:
    """Repeat a block up to its attention to the style codes."""
    tokens = block.proj_in(block.norm(features)).flatten(2).transpose(1, 2)
    if block.self_attention is not None and block.self_norm is not None:
        tokens = block.self_attention(block.self_norm(tokens)) + tokens
    weights = block.cross_attention.weights(block.cross_norm(tokens), context)
    return weights.transpose(1, 2).unflatten(2, features.shape[2:])


def _glowing(heat: NDArray[np.float32], grey: NDArray[np.float64]) -> Image.Image:
    steps = np.linspace(0, 1, len(_GLOW))
    glow = np.stack([np.interp(heat, steps, _GLOW[:, color]) for color in range(3)], -1)
    mixed = glow * (0.35 + 0.65 * heat[..., None]) + 0.5 * grey
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))
