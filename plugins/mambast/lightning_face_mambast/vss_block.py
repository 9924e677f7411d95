"""Residual block around the four-direction scan."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lightning_face_mambast.ss2d import SS2D, Initialisation

__all__ = ["VSSBlock"]


class VSSBlock(nn.Module):
    """``norm(skip_scale * x + drop_path(ss2d(ln_1(x), style)))``.

    The style stream is not normalised. The block has no residual around its last normalisation;
    the stacks that use it add one.

    Args:
        d_model: Channels of a token.
        d_state: States of a channel.
        expand: Inner channels divided by ``d_model``.
        dt_rank: Rank of the step-size projection; None is ``d_model / 16``, rounded up.
        cross: Whether the block mixes a style stream in.
        drop_path: Probability to leave the scan out for a sample in training.
        init: Start values, see `SS2D`.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        expand: float = 2.0,
        dt_rank: int | None = None,
        cross: bool = False,
        drop_path: float = 0.0,
        init: Initialisation = "reference",
    ) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.skip_scale = nn.Parameter(torch.ones(d_model))
        # never used, but part of every published checkpoint
        self.skip_scale2 = nn.Parameter(torch.ones(d_model), requires_grad=False)
        self.ln_1 = nn.LayerNorm(d_model)
        self.ss2d = SS2D(d_model, d_state, expand=expand, dt_rank=dt_rank, cross=cross, init=init)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        """Mix the tokens of a grid.

        Args:
            x: Tokens ``(batch, height, width, d_model)``.
            style: Style tokens of the same shape, given exactly if the block mixes two streams.

        Returns:
            Tokens ``(batch, height, width, d_model)``.
        """
        y = self.ss2d(self.ln_1(x), style)
        if self.training and self.drop_path > 0:
            kept = 1 - self.drop_path
            y = y * (y.new_empty(len(y), 1, 1, 1).bernoulli_(kept) / kept)
        return self.norm(x * self.skip_scale + y)
