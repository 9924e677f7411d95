"""Two encoders and the decoder that mixes their tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lightning_face_mambast.ss2d import Initialisation
from lightning_face_mambast.vss_block import VSSBlock

__all__ = ["MambaCore"]

POSITION_SIDE = 18


class Encoder(nn.Module):
    """Blocks with a residual around each."""

    def __init__(self, blocks: list[VSSBlock], recompute: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks)
        self.recompute = recompute

    def forward(self, x: Tensor, position: Tensor | None = None) -> Tensor:
        """Encode tokens ``(batch, height, width, d_model)``.

        A position code of the same shape enters the blocks, but not the residuals.
        """
        for block in self.layers:
            x = _run(block, self.recompute, x if position is None else x + position) + x
        return x


class Decoder(nn.Module):
    """Blocks that read shuffled style tokens, and a final normalisation."""

    def __init__(self, blocks: list[VSSBlock], d_model: int, recompute: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(d_model)
        self.recompute = recompute

    def forward(self, content: Tensor, style: Tensor, permutations: Tensor | None) -> Tensor:
        """Mix style tokens ``(batch, tokens, d_model)`` into ``(batch, height, width, d_model)``.

        ``permutations`` is ``(1 or batch, layers, height * width)``, or None for the given order.
        """
        grid = content.shape[1:3]
        for index, block in enumerate(self.layers):
            shuffled = style
            if permutations is not None:
                shuffled = torch.take_along_dim(style, permutations[:, index, :, None], dim=1)
            content = _run(block, self.recompute, content, shuffled.unflatten(1, grid)) + content
        return self.norm(content)


class MambaCore(nn.Module):
    """The state-space part of the network: everything between patch embedding and CNN decoder.

    Args:
        d_model: Channels of a token.
        d_state: States of a channel.
        num_encoder_layers: Blocks of each of the two encoders.
        num_decoder_layers: Blocks of the decoder.
        use_pos_embed: Add a position code, computed from the content, to what the content
            encoder's blocks read and to the style tokens that the decoder reads.
        drop_path: Probability to leave out the scan of a decoder block, per sample, in training.
        expand: Inner channels of a block divided by ``d_model``.
        dt_rank: Rank of the step-size projections; None is ``d_model / 16``, rounded up.
        init: Start values, see `SS2D`.
        recompute: Recompute the blocks in the backward pass instead of keeping what they computed.
    """

    def __init__(
        self,
        d_model: int = 512,
        d_state: int = 16,
        num_encoder_layers: int = 3,
        num_decoder_layers: int = 3,
        use_pos_embed: bool = False,
        drop_path: float = 0.1,
        expand: float = 2.0,
        dt_rank: int | None = None,
        init: Initialisation = "reference",
        recompute: bool = False,
    ) -> None:
        super().__init__()

        def blocks(count: int, cross: bool) -> list[VSSBlock]:
            drop = drop_path if cross else 0.0
            return [
                VSSBlock(d_model, d_state, expand, dt_rank, cross, drop, init) for _ in range(count)
            ]

        self.use_pos_embed = use_pos_embed
        self.encoder_c = Encoder(blocks(num_encoder_layers, cross=False), recompute)
        self.encoder_s = Encoder(blocks(num_encoder_layers, cross=False), recompute)
        self.decoder = Decoder(blocks(num_decoder_layers, cross=True), d_model, recompute)
        # part of every published checkpoint, trained only where the position code is used
        self.new_ps = nn.Conv2d(d_model, d_model, 1).requires_grad_(use_pos_embed)

    def position(self, embedding: Tensor) -> Tensor | None:
        """Compute the position code of a content.

        Args:
            embedding: Patch embedding ``(batch, d_model, height, width)``.

        Returns:
            Code ``(batch, d_model, 18, 18)``, or None where the network uses none.
        """
        if not self.use_pos_embed:
            return None
        return self.new_ps(functional.adaptive_avg_pool2d(embedding, POSITION_SIDE))

    def encode_content(self, embedding: Tensor, position: Tensor | None) -> Tensor:
        """Encode a patch embedding as content.

        Args:
            embedding: Patch embedding ``(batch, d_model, height, width)``.
            position: What `position` gave for it.

        Returns:
            Tokens ``(batch, height, width, d_model)``.
        """
        tokens = embedding.permute(0, 2, 3, 1)
        if position is None:
            return self.encoder_c(tokens)
        return self.encoder_c(tokens, _on_grid(position, tokens))

    def encode_style(self, embedding: Tensor) -> Tensor:
        """Encode a patch embedding as style: ``(batch, height, width, d_model)``."""
        return self.encoder_s(embedding.permute(0, 2, 3, 1))

    def mix(
        self,
        content: Tensor,
        style: Tensor,
        position: Tensor | None,
        permutations: Tensor | None,
    ) -> Tensor:
        """Bring the style into the content.

        Args:
            content: Content tokens ``(batch, height, width, d_model)``.
            style: Style tokens ``(batch, any height, any width, d_model)``.
            position: Position code of the content.
            permutations: Which style token stands at each place of the content's grid, in row
                order, for every decoder block, ``(1 or batch, blocks, height * width)``. None
                leaves the style tokens where they are.

        Returns:
            Map ``(batch, d_model, height, width)`` for the CNN decoder.

        Raises:
            ValueError: The grids differ and there are no permutations to bridge them.
        """
        if permutations is None and style.shape[1:3] != content.shape[1:3]:
            msg = (
                f"style tokens on a {tuple(style.shape[1:3])} grid do not fit a "
                f"{tuple(content.shape[1:3])} grid: give permutations or resize the style"
            )
            raise ValueError(msg)
        if position is not None:
            style = style + _on_grid(position, style)
        return self.decoder(content, style.flatten(1, 2), permutations).permute(0, 3, 1, 2)

    def forward(self, content: Tensor, style: Tensor, permutations: Tensor | None = None) -> Tensor:
        """Encode two patch embeddings and mix them.

        Args:
            content: Patch embedding ``(batch, d_model, height, width)``.
            style: Patch embedding of the same batch and channels.
            permutations: See `mix`.

        Returns:
            Map ``(batch, d_model, height, width)`` for the CNN decoder.
        """
        position = self.position(content)
        content = self.encode_content(content, position)
        return self.mix(content, self.encode_style(style), position, permutations)


def _on_grid(position: Tensor, tokens: Tensor) -> Tensor:
    """Resize a position code to the grid of channels-last tokens."""
    resized = functional.interpolate(position, tokens.shape[1:3], mode="bilinear")
    return resized.permute(0, 2, 3, 1)


def _run(block: nn.Module, recompute: bool, *inputs: Tensor) -> Tensor:
    if recompute and torch.is_grad_enabled():
        return checkpoint(block, *inputs, use_reentrant=False)
    return block(*inputs)
