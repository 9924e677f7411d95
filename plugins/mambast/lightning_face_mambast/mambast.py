"""The Mamba-ST network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lightning_face_mambast.cnn_decoder import CNNDecoder
from lightning_face_mambast.mamba_core import MambaCore
from lightning_face_mambast.patch_embed import PatchEmbed
from lightning_face_mambast.shuffle import draw_permutations
from lightning_face_mambast.ss2d import Initialisation

__all__ = ["Encoding", "MambaST", "Triple", "mix_styles", "token_grid"]

PATCH = 8


class Encoding(NamedTuple):
    """A picture as the decoder reads it; compute it once and use it for many pairs.

    Attributes:
        tokens: Tokens ``(batch, height / 8, width / 8, width of the network)``.
        position: Position code of a content ``(batch, channels, 18, 18)``; None for a style and
            for networks without one.
        size: Height and width of the picture in pixels.
    """

    tokens: Tensor
    position: Tensor | None
    size: tuple[int, int]


class Triple(NamedTuple):
    """Pictures of the three passes that training needs, each ``(batch, 3, height, width)``.

    Attributes:
        stylised: Content with the look of the style.
        content: Content with itself as style.
        style: Style with itself as content.
    """

    stylised: Tensor
    content: Tensor
    style: Tensor


class MambaST(nn.Module):
    """Stylise any content picture with any style picture.

    Pictures are RGB in [0, 1], without normalisation, at least 8 pixels high and wide. They are
    extended by reflection to whole patches and the result is cut back. Results are around [0, 1]
    and not clamped.

    Source: Botti et al., "Mamba-ST: State Space Model for Efficient Style Transfer", WACV 2025.

    Args:
        width: Channels of a token, a multiple of 8; everything else scales with it.
        d_state: States of a channel.
        num_encoder_layers: Blocks of each encoder.
        num_decoder_layers: Blocks of the decoder.
        use_pos_embed: Whether a position code of the content is added, see `MambaCore`.
        rnd_style: Whether style tokens are shuffled before every decoder block, in training and
            after, so that only what does not depend on their order can pass.
        drop_path: Probability to leave out the scan of a decoder block, per sample, in training.
        expand: Inner channels of a block divided by ``width``.
        dt_rank: Rank of the step-size projections; None is ``width / 16``, rounded up.
        init: Start values: ``reference`` as published, or ``s4d``, see `SS2D`, `PatchEmbed`
            and `CNNDecoder`.
        recompute: Keep only the inputs of blocks and of the CNN decoder in training and compute
            the rest again in the backward pass: a third more work, a fraction of the memory.
    """

    def __init__(
        self,
        width: int = 512,
        d_state: int = 16,
        num_encoder_layers: int = 3,
        num_decoder_layers: int = 3,
        use_pos_embed: bool = False,
        rnd_style: bool = True,
        drop_path: float = 0.1,
        expand: float = 2.0,
        dt_rank: int | None = None,
        init: Initialisation = "reference",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.rnd_style = rnd_style
        self.recompute = recompute
        self.embedding = PatchEmbed(width, PATCH, init)
        self.core = MambaCore(
            width,
            d_state,
            num_encoder_layers,
            num_decoder_layers,
            use_pos_embed,
            drop_path,
            expand,
            dt_rank,
            init,
            recompute,
        )
        self.decoder = CNNDecoder(width, init)

    @property
    def num_decoder_layers(self) -> int:
        """Blocks of the decoder, each of which wants a permutation."""
        return len(self.core.decoder.layers)

    def encode_content(self, images: Tensor) -> Encoding:
        """Encode pictures ``(batch, 3, height, width)`` as contents.

        Raises:
            ValueError: The pictures are smaller than 8 pixels.
        """
        embedding = self.embedding(_pad(images))
        position = self.core.position(embedding)
        tokens = self.core.encode_content(embedding, position)
        return Encoding(tokens, position, (images.shape[2], images.shape[3]))

    def encode_style(self, images: Tensor) -> Encoding:
        """Encode pictures ``(batch, 3, height, width)`` as styles.

        Raises:
            ValueError: The pictures are smaller than 8 pixels.
        """
        tokens = self.core.encode_style(self.embedding(_pad(images)))
        return Encoding(tokens, None, (images.shape[2], images.shape[3]))

    def mix(self, content: Encoding, style: Encoding, permutations: Tensor | None = None) -> Tensor:
        """Bring a style into a content, as tokens.

        Args:
            content: Encoded contents.
            style: Encoded styles, one for each content or one for all, of any size.
            permutations: Which style token stands at each place of the content's grid,
                ``(decoder layers, content tokens)`` or one such for each sample. None draws
                them where the network shuffles, and leaves the tokens in place where it does not.

        Returns:
            Map ``(batch, channels, height / 8, width / 8)`` for `render`.

        Raises:
            ValueError: The network does not shuffle and the grids differ.
        """
        batch, height, width, _ = content.tokens.shape
        tokens = style.tokens
        if permutations is None and self.rnd_style:
            permutations = draw_permutations(
                self.num_decoder_layers, height * width, tokens.shape[1] * tokens.shape[2]
            )
        if permutations is not None:
            permutations = permutations.to(tokens.device, non_blocking=True)
            if permutations.dim() == 2:
                permutations = permutations.unsqueeze(0)
        return self.core.mix(
            content.tokens, tokens.expand(batch, -1, -1, -1), content.position, permutations
        )

    def render(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """Turn mixed tokens into pictures ``(batch, 3, *size)``."""
        if self.recompute and torch.is_grad_enabled():
            images = checkpoint(self.decoder, tokens, use_reentrant=False)
        else:
            images = self.decoder(tokens)
        return images[..., : size[0], : size[1]]

    def decode(
        self, content: Encoding, style: Encoding, permutations: Tensor | None = None
    ) -> Tensor:
        """Make the stylised pictures of encoded contents and styles.

        Arguments are those of `mix`.

        Returns:
            Pictures of the size of the contents ``(batch, 3, height, width)``.
        """
        return self.render(self.mix(content, style, permutations), content.size)

    def stylize(
        self,
        content: Tensor,
        style: Tensor,
        permutations: Tensor | None = None,
        strength: float = 1.0,
    ) -> Tensor:
        """Stylise pictures.

        Args:
            content: Contents ``(batch, 3, height, width)``.
            style: Styles ``(batch or 1, 3, any height, any width)``. A network that does not
                shuffle sees them resized to the size of the contents.
            permutations: See `mix`. With a strength below 1 they must be absent or fit both the
                content and the style.
            strength: 1 is the whole style, 0 the content seen through the network with itself as
                style; between them, tokens are blended.

        Returns:
            Pictures ``(batch, 3, height, width)``.
        """
        if permutations is None and not self.rnd_style and style.shape[2:] != content.shape[2:]:
            style = functional.interpolate(
                style, content.shape[2:], mode="bilinear", antialias=True
            )
        encoded = self.encode_content(content)
        tokens = self.mix(encoded, self.encode_style(style), permutations)
        if strength != 1.0:
            itself = self.mix(encoded, self.encode_style(content), permutations)
            tokens = torch.lerp(itself, tokens, strength)
        return self.render(tokens, encoded.size)

    def forward(self, content: Tensor, style: Tensor, permutations: Tensor | None = None) -> Triple:
        """Compute the three passes of training.

        Every picture is encoded once as content and once as style and the passes run as one
        batch, which is the same computation as three separate passes.

        Args:
            content: Contents ``(batch, 3, height, width)``.
            style: Styles of the same shape.
            permutations: Orders of the style tokens, shared by the batch but not by the passes,
                ``(3, decoder layers, tokens)``; None draws them where the network shuffles.

        Returns:
            The pictures of the three passes.

        Raises:
            ValueError: Contents and styles differ in shape.
        """
        if content.shape != style.shape:
            msg = (
                f"training needs contents and styles of one shape, got {tuple(content.shape)} "
                f"and {tuple(style.shape)}"
            )
            raise ValueError(msg)
        batch = len(content)
        embedding = self.embedding(_pad(torch.cat([content, style])))
        position = self.core.position(embedding)
        contents = self.core.encode_content(embedding, position)
        styles = self.core.encode_style(embedding)
        if permutations is None and self.rnd_style:
            drawn = draw_permutations(
                3 * self.num_decoder_layers, styles.shape[1] * styles.shape[2]
            )
            permutations = drawn.unflatten(0, (3, -1))
        if permutations is not None:
            permutations = permutations.to(content.device, non_blocking=True)
            permutations = permutations.repeat_interleave(batch, dim=0)
        tokens = self.core.mix(
            torch.cat([contents[:batch], contents]),
            torch.cat([styles[batch:], styles]),
            None if position is None else torch.cat([position[:batch], position]),
            permutations,
        )
        return Triple(*self.render(tokens, (content.shape[2], content.shape[3])).chunk(3))


def mix_styles(
    styles: Sequence[Encoding],
    weights: Sequence[float],
    generator: torch.Generator | None = None,
) -> Encoding:
    """Merge several styles into one whose tokens are drawn from them in proportion.

    The tokens keep no order, so the result is meant for networks that shuffle.

    Args:
        styles: Encoded styles of one picture each.
        weights: Share of each style, not negative; only ratios matter.
        generator: CPU generator; None is the default one.

    Returns:
        An encoding with as many tokens, in one row, as the largest of the styles.

    Raises:
        ValueError: The numbers of styles and weights differ, or the weights have no positive sum.
    """
    if len(styles) != len(weights) or not styles:
        msg = f"{len(styles)} styles need as many weights, got {len(weights)}"
        raise ValueError(msg)
    total = sum(weights)
    if min(weights) < 0 or total <= 0:
        msg = f"weights of styles must not be negative and not all zero, got {list(weights)}"
        raise ValueError(msg)
    tokens = [style.tokens.flatten(1, 2) for style in styles]
    length = max(each.shape[1] for each in tokens)
    bounds = [round(length * sum(weights[:index]) / total) for index in range(len(weights) + 1)]
    drawn = [
        each[:, draw_permutations(1, stop - start, each.shape[1], generator)[0].to(each.device)]
        for each, start, stop in zip(tokens, bounds[:-1], bounds[1:], strict=True)
        if stop > start
    ]
    return Encoding(torch.cat(drawn, dim=1).unsqueeze(1), None, styles[0].size)


def token_grid(height: int, width: int) -> tuple[int, int]:
    """Give the rows and columns of tokens that a picture of a size in pixels has.

    Raises:
        ValueError: The picture is smaller than 8 pixels.
    """
    if min(height, width) < PATCH:
        msg = f"pictures must be at least {PATCH} pixels high and wide, got {height} x {width}"
        raise ValueError(msg)
    # the CNN decoder reflects the second token at the border, so there must be one
    return max(2, math.ceil(height / PATCH)), max(2, math.ceil(width / PATCH))


def _pad(images: Tensor) -> Tensor:
    """Extend pictures by reflection to whole patches."""
    rows, columns = token_grid(images.shape[2], images.shape[3])
    # one reflection gives at most the side less one pixel, which 8 pixels need twice
    while (missing := (rows * PATCH - images.shape[2], columns * PATCH - images.shape[3])) != (
        0,
        0,
    ):
        below = min(missing[0], images.shape[2] - 1)
        right = min(missing[1], images.shape[3] - 1)
        images = functional.pad(images, (0, right, 0, below), mode="reflect")
    return images
