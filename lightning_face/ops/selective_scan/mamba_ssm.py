"""The selective scan by the CUDA kernels of the mamba-ssm package.

The kernels scan sequences that lie contiguous in memory, ``(batch, K * channels, length)``, so the
tokens are copied into the order of each direction before and put back after.

Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces"; interface of
``mamba_ssm.ops.selective_scan_interface``, versions 1.2 to 2.2.
"""

from __future__ import annotations

import importlib.util
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_face.ops.selective_scan.tokens import visiting_order
from lightning_face.ops.selective_scan.types import ScanGradients, ScanInputs

NAME = "mamba_ssm"

# Tokens after which the kernels save a state.
_CHUNK = 2048
_INPUT_TYPES = (torch.float32, torch.float16, torch.bfloat16)


def unavailable() -> str | None:
    """Why the kernels cannot run here: not installed, or no GPU."""
    if importlib.util.find_spec("selective_scan_cuda") is None:
        return "mamba-ssm is not installed"
    if not torch.cuda.is_available():
        return "there is no CUDA device"
    return None


def supports(device: torch.device) -> bool:
    """True on CUDA devices."""
    return device.type == "cuda"


def saved_like(inputs: ScanInputs) -> list[Tensor]:
    """Decay and state at the end of the chunks ``(batch, K * channels, chunks, 2 N)``."""
    batch, length, _ = inputs.u.shape
    directions, channels, states = inputs.A.shape
    shape = (batch, directions * channels, -(-length // _CHUNK), 2 * states)
    return [inputs.u.new_empty(shape, dtype=torch.float32)]


def forward(inputs: ScanInputs, need_backward: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Output, last state, and the states between chunks."""
    import selective_scan_cuda

    order = _order(inputs)
    x = _sequences(inputs, order)
    y, states, *_ = selective_scan_cuda.fwd(
        x.u, x.delta, x.A, x.B, x.C, x.D, None, x.delta_bias, inputs.softplus
    )
    # Decay and state of each of the N states alternate.
    last_state = states[:, :, -1, 1::2].reshape(inputs.u.shape[0], *inputs.A.shape)
    merged = _tokens(y.float(), inputs, order).sum(2).to(inputs.u.dtype)
    return merged, last_state, [states] if need_backward else []


def backward(inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
    """Gradients by the kernels' backward pass."""
    import selective_scan_cuda

    order = _order(inputs)
    x = _sequences(inputs, order)
    grad = _expand(grad_y.to(x.u.dtype), order)
    u, delta, A, B, C, D, delta_bias, *_ = selective_scan_cuda.bwd(
        x.u, x.delta, x.A, x.B, x.C, x.D, None, x.delta_bias, grad, saved[0], None, None,
        inputs.softplus, False,
    )  # fmt: skip
    shape = inputs.A.shape
    return ScanGradients(
        _tokens(u.float(), inputs, order).sum(2),
        _tokens(delta, inputs, order),
        A.reshape(shape),
        _tokens(B, inputs, order).unflatten(3, inputs.B.shape[3:]),
        _tokens(C, inputs, order).unflatten(3, inputs.B.shape[3:]),
        None if inputs.D is None else D.reshape(shape[:2]),
        None if inputs.delta_bias is None else delta_bias.reshape(shape[:2]),
    )


class _Sequences(NamedTuple):
    """Arguments of the kernels: the K directions are stacked along channels and groups."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    delta_bias: Tensor | None


def _order(inputs: ScanInputs) -> Tensor:
    """Index of the token that each direction visits at each step ``(K, length)``."""
    device = inputs.u.device
    walks = [visiting_order(order, inputs.height, inputs.width, device) for order in inputs.orders]
    return torch.stack(walks)


def _sequences(inputs: ScanInputs, order: Tensor) -> _Sequences:
    dtype = inputs.u.dtype if inputs.u.dtype in _INPUT_TYPES else torch.float32
    direction = torch.arange(len(order), device=order.device)[:, None]

    def arrange(x: Tensor) -> Tensor:
        """``(batch, length, K, ...)`` to ``(batch, K, ..., length)``."""
        return x.to(dtype)[:, order, direction].movedim(2, -1).contiguous()

    return _Sequences(
        u=_expand(inputs.u.to(dtype), order),
        delta=arrange(inputs.delta).flatten(1, 2),
        A=inputs.A.float().flatten(0, 1).contiguous(),
        B=arrange(inputs.B).flatten(1, 2),
        C=arrange(inputs.C).flatten(1, 2),
        D=None if inputs.D is None else inputs.D.float().flatten().contiguous(),
        delta_bias=(
            None if inputs.delta_bias is None else inputs.delta_bias.float().flatten().contiguous()
        ),
    )


def _expand(x: Tensor, order: Tensor) -> Tensor:
    """``(batch, length, channels)`` to ``(batch, K * channels, length)``."""
    return x[:, order].transpose(2, 3).flatten(1, 2).contiguous()


def _tokens(x: Tensor, inputs: ScanInputs, order: Tensor) -> Tensor:
    """``(batch, K * rows..., length)`` in visiting order to ``(batch, length, K, rows)``."""
    directions, length = order.shape
    x = x.reshape(x.shape[0], directions, -1, length)
    direction = torch.arange(directions, device=order.device)[:, None]
    return x[:, direction, :, order.argsort(1)].movedim((0, 1, 2), (2, 1, 0))
