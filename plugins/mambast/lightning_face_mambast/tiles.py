"""Stylising pictures that are too large for one pass, in overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face_mambast.mambast import PATCH, Encoding, MambaST
from lightning_face_mambast.shuffle import StyleShuffle

__all__ = ["stylize_tiled", "tile_starts"]


@torch.no_grad()
def stylize_tiled(
    network: MambaST,
    content: Tensor,
    style: Tensor,
    shuffle: StyleShuffle,
    tile: int = 512,
    overlap: int = 64,
    strength: float = 1.0,
) -> Tensor:
    """Stylise one picture tile by tile; memory no longer grows with its size.

    All tiles read the same style tokens, in one order that is laid on the whole picture, so that
    two tiles have the same tokens where they overlap; there, one fades into the other. What a
    tile cannot see is the content beyond its borders, so the result is close to that of a single
    pass, not equal. A picture that fits into one tile is stylised in a single pass.

    Args:
        network: The network, in evaluation mode.
        content: RGB in [0, 1] ``(1, 3, height, width)``.
        style: RGB in [0, 1] ``(1, 3, any height, any width)``.
        shuffle: Order of the style tokens.
        tile: Side of a tile in pixels, a multiple of 8.
        overlap: How far neighbouring tiles overlap at least, in pixels, a multiple of 8.
        strength: 1 is the whole style, 0 the content with itself as style.

    Returns:
        The stylised picture ``(1, 3, height, width)``, not clamped.

    Raises:
        ValueError: If ``tile`` or ``overlap`` are no multiples of 8 or do not fit each other.
    """
    if tile % PATCH or overlap % PATCH or not 0 < overlap <= tile // 2:
        msg = (
            f"tile {tile} and overlap {overlap} must be multiples of {PATCH}, and the overlap "
            "between 8 and half a tile"
        )
        raise ValueError(msg)
    height, width = content.shape[2:]
    shuffled = network.rnd_style and shuffle.mode != "none"
    if not shuffled:
        style = functional.interpolate(style, (height, width), mode="bilinear", antialias=True)
    encoded_style = network.encode_style(style)
    order = _order(network, shuffle if shuffled else None, (height, width), encoded_style)
    total, weights = torch.zeros_like(content), content.new_zeros(1, 1, height, width)
    for rows in _spans(height, tile, overlap):
        for columns in _spans(width, tile, overlap):
            part = content[..., rows, columns]
            encoded = network.encode_content(part)
            tokens_high, tokens_wide = encoded.tokens.shape[1:3]
            top, left = rows.start // PATCH, columns.start // PATCH
            part_order = order[:, top : top + tokens_high, left : left + tokens_wide]
            permutations = part_order.flatten(1)
            tokens = network.mix(encoded, encoded_style, permutations)
            if strength != 1:
                own = network.encode_style(part)
                size = (part.shape[2], part.shape[3])
                own_order = _order(network, shuffle if shuffled else None, size, own).flatten(1)
                itself = network.mix(encoded, own, own_order)
                tokens = torch.lerp(itself, tokens, strength)
            fade = _fade(rows, height, overlap)[:, None] * _fade(columns, width, overlap)
            fade = fade.to(content)
            total[..., rows, columns] += fade * network.render(tokens, encoded.size)
            weights[..., rows, columns] += fade
    return total / weights


def tile_starts(side: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin so that they cover a side, as multiples of 8.

    Args:
        side: Length to cover in pixels.
        tile: Length of a tile.
        overlap: Smallest overlap of neighbours.
    """
    patches = -(-side // PATCH) * PATCH
    if patches <= tile:
        return [0]
    count = -(-(patches - overlap) // (tile - overlap))
    room = (patches - tile) // PATCH
    return [index * room // (count - 1) * PATCH for index in range(count)]


def _spans(side: int, tile: int, overlap: int) -> Iterator[slice]:
    """Pixels of every tile along a side."""
    for start in tile_starts(side, tile, overlap):
        yield slice(start, min(start + tile, side))


def _fade(span: slice, side: int, overlap: int) -> Tensor:
    """Weight of a tile's pixels along a side: rising and falling at borders inside the picture."""
    length = span.stop - span.start
    ramp = (torch.arange(length) + 1) / (overlap + 1)
    fade = torch.ones(length)
    if span.start > 0:
        fade = torch.minimum(fade, ramp)
    if span.stop < side:
        fade = torch.minimum(fade, ramp.flip(0))
    return fade


def _order(
    network: MambaST, shuffle: StyleShuffle | None, size: tuple[int, int], style: Encoding
) -> Tensor:
    """Style token at every place of the whole picture ``(layers, rows, columns)``.

    Without a shuffle, the style has the picture's size and every token its own place.
    """
    style_rows, style_columns = style.tokens.shape[1:3]
    layers = network.num_decoder_layers
    rows, columns = (max(2, -(-side // PATCH)) for side in size)
    drawn = None
    if shuffle is not None:
        drawn = shuffle(layers, rows * columns, style_rows * style_columns)
    if drawn is None:
        return torch.arange(rows * columns).view(1, rows, columns).expand(layers, -1, -1)
    return drawn.unflatten(1, (rows, columns))
