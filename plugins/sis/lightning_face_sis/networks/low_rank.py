"""Transformer blocks at inference: the same numbers from narrower products, a tile at a time.

Style codes are few, so keys can absorb the map of the queries and values that of the output, and
the last map of the feed-forward that back to the channels. Where pixels do not look at each
other, tokens are moreover mixtures of few vectors: ``basis @ coordinates``, whose coordinates are
a one, the normalised channels of the pixel, and the attention weights of all heads. Layer norm
and the linear map behind it then act on the coordinates:

* the map of a centred token is the centred map of the token, and absorbs the basis;
* the variance of a token is a quadratic form of its coordinates.

Nothing is approximated: outputs differ from those of the plain block by rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from lightning_face_sis.networks.cross_attention import ClassCrossAttention
    from lightning_face_sis.networks.spatial_transformer import SpatialTransformer

__all__ = ["can_fold", "fold_and_apply"]

# pixels at a time: on a processor what lies between two products then stays in its cache, on a
# GPU the products are large enough to fill it
CPU_TILE, GPU_TILE = 512, 16384


def can_fold(features: Tensor) -> bool:
    """Say whether `fold_and_apply` may be used: full precision, no gradient, no tracing.

    Args:
        features: Input of a block.
    """
    return not (
        torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or torch.is_autocast_enabled(features.device.type)
        or features.dtype in (torch.float16, torch.bfloat16)
    )


def fold_and_apply(block: SpatialTransformer, features: Tensor, context: Tensor) -> Tensor:
    """Apply a block.

    Args:
        block: The block.
        features: Features ``(batch, channels, height, width)``.
        context: Style codes ``(batch, tokens, context_dim)``.

    Returns:
        Features ``(batch, channels, height, width)``.
    """
    normed = block.norm(features).flatten(2)
    coordinates = torch.cat([torch.ones_like(normed[:, :1]), normed], dim=1)
    result = features.flatten(2).clone()
    rank = block.cross_attention.heads * context.shape[1]
    narrow = coordinates.shape[1] + rank < block.proj_in.out_channels
    add = _add_narrow if narrow and block.self_attention is None else _add_wide
    for codes, pixels, picture in zip(context, coordinates, result, strict=True):
        add(block, codes, pixels, picture)
    return result.view(features.shape)


class AbsorbedStyles:
    """Keys and values of the style codes of one picture, joined with the maps around attention.

    Args:
        attention: Attention to the style codes.
        codes: Style codes ``(tokens, context_dim)``.

    Attributes:
        heads: Number of heads.
        keys: Map from normed tokens to logits ``(heads * tokens, width)``.
        values: Map from attention weights to what tokens gain ``(width, heads * tokens)``.
        bias: What tokens gain besides ``(width,)``.
    """

    def __init__(self, attention: ClassCrossAttention, codes: Tensor) -> None:
        self.heads = attention.heads
        key = attention.to_k(codes).unflatten(1, (self.heads, -1)).transpose(0, 1)
        query = attention.to_q.weight.unflatten(0, (self.heads, -1))
        self.keys = (key * attention.head_dim**-0.5 @ query).flatten(0, 1)
        value = attention.to_v(codes).unflatten(1, (self.heads, -1)).permute(1, 2, 0)
        output = attention.to_out.weight.unflatten(1, (self.heads, -1)).transpose(0, 1)
        self.values = (output @ value).transpose(0, 1).flatten(1)
        self.bias = attention.to_out.bias

    def __call__(self, normed: Tensor) -> Tensor:
        """Compute what normed tokens ``(pixels, width)`` gain."""
        logits = (normed @ self.keys.t()).unflatten(1, (self.heads, -1))
        return torch.addmm(self.bias, logits.softmax(dim=2).flatten(1), self.values.t())


class KeptStyles:
    """Keys and values as they are, where absorbing would not pay.

    Args:
        attention: Attention to the style codes.
        codes: Style codes ``(tokens, context_dim)``.
    """

    def __init__(self, attention: ClassCrossAttention, codes: Tensor) -> None:
        self.attention = attention
        self.key, self.value = attention.to_k(codes)[None], attention.to_v(codes)[None]

    def __call__(self, normed: Tensor) -> Tensor:
        """Compute what normed tokens ``(pixels, width)`` gain."""
        query = self.attention.to_q(normed)[None]
        return self.attention.to_out(self.attention.mix(query, self.key, self.value)[0])


class NormedMap:
    """Layer norm and the linear map behind it, of tokens given by their coordinates.

    Args:
        norm: The norm.
        weight: Weight of the map ``(outputs, width)``.
        bias: Its bias.
        basis: Vectors that tokens are mixtures of ``(width, coordinates)``.
    """

    def __init__(
        self, norm: nn.LayerNorm, weight: Tensor, bias: Tensor | None, basis: Tensor
    ) -> None:
        self.eps = norm.eps
        centred = basis - basis.mean(dim=0)
        self.gram = centred.t() @ centred / len(basis)
        offset = weight @ norm.bias
        if bias is not None:
            offset = offset + bias
        self.matrix = torch.cat([weight * norm.weight @ centred, offset[:, None]], dim=1)

    def scale(self, coordinates: Tensor) -> Tensor:
        """Divide coordinates by the standard deviation of their tokens, and put a one below.

        Args:
            coordinates: Coordinates of pixels ``(coordinates, pixels)``.

        Returns:
            What ``matrix`` maps to the outputs ``(coordinates + 1, pixels)``.
        """
        variance = (self.gram @ coordinates * coordinates).sum(dim=0).clamp_(min=0)
        scaled = coordinates * torch.rsqrt(variance + self.eps)
        return torch.cat([scaled, torch.ones_like(scaled[:1])])


def _add_narrow(
    block: SpatialTransformer, codes: Tensor, coordinates: Tensor, result: Tensor
) -> None:
    """Add what a block without self-attention gives, by coordinates; pixels are columns.

    Args:
        block: The block.
        codes: Style codes of one picture ``(tokens, context_dim)``.
        coordinates: A one and the normalised channels of every pixel ``(1 + channels, pixels)``.
        result: Where to add ``(channels, pixels)``.
    """
    entry, expand = _entry(block), block.feed_forward.expand
    styles = AbsorbedStyles(block.cross_attention, codes)
    to_logits = NormedMap(block.cross_norm, styles.keys, None, entry)
    # the weights of a head add up to 1: all but the last say everything
    values = styles.values.unflatten(1, (styles.heads, -1))
    last = values[..., -1:]
    first = entry[:, :1] + last.sum(dim=1) + styles.bias[:, None]
    basis = torch.cat([first, entry[:, 1:], (values[..., :-1] - last).flatten(1)], dim=1)
    to_hidden = NormedMap(block.feed_forward_norm, expand.weight, expand.bias, basis)
    from_hidden, from_tokens, offset = _exit(block)
    from_coordinates = from_tokens @ basis
    # memory that is asked for anew in every tile costs more than the sums in it
    buffer = result.new_empty(len(to_hidden.matrix), _tile_of(result))
    for tile in _tiles(result):
        part = coordinates[:, tile]
        logits = (to_logits.matrix @ to_logits.scale(part)).unflatten(0, (styles.heads, -1))
        tokens = torch.cat([part, logits.softmax(dim=1)[:, :-1].flatten(0, 1)])
        hidden = buffer[:, : part.shape[1]]
        torch.mm(to_hidden.matrix, to_hidden.scale(tokens), out=hidden)
        value, gate = hidden.chunk(2)
        gain = torch.addmm(offset[:, None], from_hidden, F.gelu(gate).mul_(value))
        result[:, tile] += gain.addmm_(from_coordinates, tokens)


def _add_wide(
    block: SpatialTransformer, codes: Tensor, coordinates: Tensor, result: Tensor
) -> None:
    """Add what any block gives, by whole tokens, which are rows; see `_add_narrow`."""
    entry, expand, cross = _entry(block), block.feed_forward.expand, block.cross_attention
    absorbed = cross.heads * len(codes) < len(entry)
    styles = (AbsorbedStyles if absorbed else KeptStyles)(cross, codes)
    looking, norm = block.self_attention, block.self_norm
    if looking is not None and norm is not None:
        weight = torch.cat([looking.to_q.weight, looking.to_k.weight, looking.to_v.weight])
        to_all = NormedMap(norm, weight, None, entry)
        all_three = to_all.scale(coordinates).t() @ to_all.matrix.t()
        query, key, value = all_three[None].chunk(3, dim=2)
        mixed = looking.mix(query, key, value)[0]
    from_hidden, from_tokens, offset = _exit(block)
    buffer = result.new_empty(_tile_of(result), expand.out_features)
    for tile in _tiles(result):
        tokens = coordinates[:, tile].t() @ entry.t()
        if looking is not None:
            tokens += looking.to_out(mixed[tile])
        tokens += styles(block.cross_norm(tokens))
        hidden = buffer[: len(tokens)]
        normed = block.feed_forward_norm(tokens)
        torch.addmm(expand.bias, normed, expand.weight.t(), out=hidden)
        values, gate = hidden.chunk(2, dim=1)
        gain = torch.addmm(offset[:, None], from_hidden, F.gelu(gate).mul_(values).t())
        result[:, tile] += gain.addmm_(from_tokens, tokens.t())


def _tile_of(result: Tensor) -> int:
    """Number of pixels at a time."""
    return min(result.shape[1], CPU_TILE if result.device.type == "cpu" else GPU_TILE)


def _tiles(result: Tensor) -> list[slice]:
    """Cut the pixels ``(channels, pixels)`` into tiles."""
    step = _tile_of(result)
    return [slice(start, start + step) for start in range(0, result.shape[1], step)]


def _entry(block: SpatialTransformer) -> Tensor:
    """Vectors that the tokens of a picture are mixtures of at first ``(width, 1 + channels)``."""
    bias = cast("Tensor", block.proj_in.bias)
    return torch.cat([bias[:, None], block.proj_in.weight.flatten(1)], dim=1)


def _exit(block: SpatialTransformer) -> tuple[Tensor, Tensor, Tensor]:
    """Join the last map of the feed-forward and that back to the channels.

    Returns:
        Map of what lies between the maps of the feed-forward ``(channels, 4 * width)``, map of
        tokens ``(channels, width)`` and offset ``(channels,)``.
    """
    contract, out = block.feed_forward.contract, block.proj_out.weight.flatten(1)
    offset = out @ contract.bias + cast("Tensor", block.proj_out.bias)
    return out @ contract.weight, out, offset
