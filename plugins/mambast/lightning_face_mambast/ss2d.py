"""Selective scan of a token grid along four directions, of one stream or of two."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.ops.ss2d import ss2d_scan

__all__ = ["SS2D", "Initialisation"]

Initialisation = Literal["reference", "s4d"]

DIRECTIONS = 4


class SS2D(nn.Module):
    """State-space layer that scans a grid of tokens along rows and columns, both ways.

    With ``cross`` the layer mixes two streams: the state is driven by the style tokens (scan
    input, step size and input matrix come from them) and is read out by a matrix computed from
    the content tokens, which also gate the result. Without it one stream plays both parts.

    All projections are pointwise, so they are matrix products on tokens in row order; only the
    recurrence knows about directions.

    Source: the paper, section 3 (the 2D-SSM and the ST 2D-SSM). The published code keeps the
    state matrix a free parameter in both, although a figure shows it computed from style.

    Args:
        d_model: Channels of a token.
        d_state: States of a channel.
        expand: Inner channels divided by ``d_model``.
        d_conv: Side of the depthwise convolution, odd.
        dt_rank: Rank of the projection that gives the step sizes; None is ``d_model / 16``,
            rounded up.
        cross: Whether a second stream drives the state.
        init: ``reference`` starts where the published training starts, ``s4d`` spreads the decay
            rates of the states as state-space models usually do.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        expand: float = 2.0,
        d_conv: int = 3,
        dt_rank: int | None = None,
        cross: bool = False,
        init: Initialisation = "reference",
    ) -> None:
        super().__init__()
        inner = int(expand * d_model)
        rank = math.ceil(d_model / 16) if dt_rank is None else dt_rank
        self.d_inner, self.d_state, self.dt_rank, self.cross = inner, d_state, rank, cross
        # the names below are those of the published checkpoints, dead tensors included
        self.in_proj = nn.Linear(d_model, 2 * inner, bias=False)
        self.in_style_proj = nn.Linear(d_model, inner, bias=False).requires_grad_(cross)
        self.conv2d = nn.Conv2d(inner, inner, d_conv, padding=d_conv // 2, groups=inner)
        if cross:
            self.style_proj_weight = nn.Parameter(torch.empty(DIRECTIONS, rank + d_state, inner))
        rows = d_state if cross else rank + 2 * d_state
        self.x_proj_weight = nn.Parameter(torch.empty(DIRECTIONS, rows, inner))
        self.dt_projs_weight = nn.Parameter(torch.empty(DIRECTIONS, inner, rank))
        self.dt_projs_bias = nn.Parameter(torch.empty(DIRECTIONS, inner))
        self.A_logs = nn.Parameter(torch.empty(DIRECTIONS * inner, d_state))
        self.Ds = nn.Parameter(torch.ones(DIRECTIONS * inner))
        self.out_norm = nn.LayerNorm(inner)
        self.out_proj = nn.Linear(inner, d_model, bias=False)
        self.reset_parameters(init)

    def reset_parameters(self, init: Initialisation) -> None:
        """Draw new start values.

        ``s4d``: states decay at rates 1 to ``d_state``, step sizes are log-uniform in
        [0.001, 0.1]. ``reference``: as the published training, which after that overwrites every
        tensor of two or more dimensions by Xavier-uniform values, so that all states start with
        a decay rate near 1 and steps near 0.7.

        Raises:
            ValueError: ``init`` is neither of the two.
        """
        if init == "reference":
            for parameter in self.parameters():
                if parameter.dim() >= 2:
                    nn.init.xavier_uniform_(parameter)
        elif init == "s4d":
            bound = self.d_inner**-0.5
            nn.init.uniform_(self.x_proj_weight, -bound, bound)
            if self.cross:
                nn.init.uniform_(self.style_proj_weight, -bound, bound)
            bound = self.dt_rank**-0.5
            nn.init.uniform_(self.dt_projs_weight, -bound, bound)
            with torch.no_grad():
                low, high = math.log(0.001), math.log(0.1)
                step = torch.empty_like(self.dt_projs_bias).uniform_(low, high).exp()
                step = step.clamp(min=1e-4)
                self.dt_projs_bias.copy_(step + torch.log(-torch.expm1(-step)))
                rates = torch.arange(1, self.d_state + 1, dtype=torch.float32)
                self.A_logs.copy_(rates.log().expand_as(self.A_logs))
        else:
            msg = f"init must be 'reference' or 's4d', got {init!r}"
            raise ValueError(msg)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        """Mix the tokens of a grid.

        Args:
            x: Tokens, of the content if ``cross``, ``(batch, height, width, d_model)``.
            style: Style tokens of the same shape, given exactly if ``cross``.

        Returns:
            Mixed tokens ``(batch, height, width, d_model)``.

        Raises:
            ValueError: ``style`` is missing or is not wanted.
        """
        if (style is None) == self.cross:
            msg = "style tokens are needed exactly where two streams are mixed"
            raise ValueError(msg)
        height, width = x.shape[1:3]
        rank, states = self.dt_rank, self.d_state
        x, gate = self.in_proj(x).chunk(2, dim=-1)
        x = self._convolve(x)
        if style is None:
            driver = x
            low, b, c = self._project(x, self.x_proj_weight).split([rank, states, states], dim=-1)
        else:
            driver = self._convolve(self.in_style_proj(style))
            low, b = self._project(driver, self.style_proj_weight).split([rank, states], dim=-1)
            c = self._project(x, self.x_proj_weight)
        delta = torch.einsum("blkr,kcr->blkc", low, self.dt_projs_weight)
        y = ss2d_scan(
            driver.flatten(1, 2),
            delta,
            -self.A_logs.float().exp().unflatten(0, (DIRECTIONS, -1)),
            b,
            c,
            self.Ds.unflatten(0, (DIRECTIONS, -1)),
            self.dt_projs_bias,
            height,
            width,
        )
        y = self.out_norm(y.unflatten(1, (height, width)))
        return self.out_proj(y * functional.silu(gate))

    def _convolve(self, x: Tensor) -> Tensor:
        """Look at the neighbours of each token: ``(batch, height, width, channels)``, same out."""
        return functional.silu(self.conv2d(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1).contiguous()

    def _project(self, x: Tensor, weight: Tensor) -> Tensor:
        """Project for all directions at once: ``(batch, tokens, directions, rows)``."""
        return functional.linear(x.flatten(1, 2), weight.flatten(0, 1)).unflatten(
            -1, (DIRECTIONS, -1)
        )
