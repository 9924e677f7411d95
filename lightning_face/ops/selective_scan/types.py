"""Arguments and gradients of the directional scan, and what a backend of it must offer."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class ScanInputs(NamedTuple):
    """Arguments of the directional scan, channels last, tokens in row order.

    K is the number of directions, N the number of states of a channel and G the number of groups
    that share ``B`` and ``C``; channel ``c`` uses group ``c // (channels / G)``. An order code says
    how a direction walks over the grid: 0 along rows, 1 along columns, 2 and 3 the same backwards.

    Attributes:
        u: Input ``(batch, length, channels)``.
        delta: Step sizes before bias and softplus ``(batch, length, K, channels)``.
        A: State matrix ``(K, channels, N)``, float32, negative.
        B: Input matrix ``(batch, length, K, G, N)``.
        C: Output matrix ``(batch, length, K, G, N)``.
        D: Skip weights ``(K, channels)`` or None.
        delta_bias: Added to ``delta`` ``(K, channels)`` or None.
        softplus: Whether the step size is ``softplus(delta + delta_bias)``.
        height: Rows of the grid; ``height * width`` is the length.
        width: Columns of the grid.
        orders: Order code of each of the K directions.
    """

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    delta_bias: Tensor | None
    softplus: bool
    height: int
    width: int
    orders: tuple[int, ...]


class ScanGradients(NamedTuple):
    """Gradients of the directional scan, each shaped like the argument of the same name."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    delta_bias: Tensor | None


class Backend(Protocol):
    """What each module of a backend offers.

    A backend takes the types it is given and computes in float32; ``y`` comes back in the type of
    ``u``, the last state in float32, gradients in any floating type.
    """

    NAME: str

    def unavailable(self) -> str | None:
        """Why the backend cannot be used on this machine, None when it can."""

    def supports(self, device: torch.device) -> bool:
        """Whether the backend computes on the device."""

    def saved_like(self, inputs: ScanInputs) -> list[Tensor]:
        """Empty tensors of the shapes and types that ``forward`` saves for ``backward``."""

    def forward(
        self, inputs: ScanInputs, need_backward: bool
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Output, last state, and what ``backward`` needs (nothing unless ``need_backward``)."""

    def backward(self, inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
        """Gradients of ``sum(grad_y * y)``."""
