"""The directional scan as one operator of torch.

Whatever backend computes it, compilers, automatic differentiation, autocast and distributed
wrappers see ``lightning_face::directional_scan`` and its backward operator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from lightning_face.ops.selective_scan import chunked
from lightning_face.ops.selective_scan.backends import choose_backend, load_backend
from lightning_face.ops.selective_scan.types import ScanInputs

__all__ = ["directional_scan"]

FORWARD = "lightning_face::directional_scan"
BACKWARD = "lightning_face::directional_scan_backward"
_TENSORS = "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? delta_bias"
_SETTINGS = "bool softplus, SymInt height, SymInt width, int[] orders, str backend"


def directional_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    delta_bias: Tensor | None = None,
    *,
    softplus: bool = False,
    height: int,
    width: int,
    orders: Iterable[int] = (0,),
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Scan a grid of tokens along K directions and sum the outputs.

    Tokens are in row order in every argument; a direction only changes the order in which they are
    visited: code 0 along rows, 1 along columns, 2 and 3 the same backwards. A sequence is a grid of
    one row. State and arithmetic are float32 whatever the types of the arguments, which autocast
    leaves as they are.

    Args:
        u: Input ``(batch, length, channels)``.
        delta: Step sizes before bias and softplus ``(batch, length, K, channels)``.
        A: State matrix ``(K, channels, N)``, real, negative in use.
        B: Input matrix ``(batch, length, K, G, N)``; channel ``c`` uses group
            ``c // (channels / G)``.
        C: Output matrix ``(batch, length, K, G, N)``.
        D: Skip weights ``(K, channels)``.
        delta_bias: Added to the step sizes ``(K, channels)``.
        softplus: Whether step sizes pass a softplus, which is the identity above 20.
        height: Rows of the grid.
        width: Columns of the grid.
        orders: Order code of each direction.
        backend: One of :func:`available_backends`, or "auto".

    Returns:
        Output ``(batch, length, channels)`` in the type of ``u`` and last state
        ``(batch, K, channels, N)`` in float32. No gradient flows through the last state.

    Raises:
        ValueError: A shape does not fit the others, or a setting is unknown.
        RuntimeError: The backend asked for cannot be used.
    """
    inputs = ScanInputs(u, delta, A, B, C, D, delta_bias, softplus, height, width, tuple(orders))
    _check(inputs)
    if chunked.tracing() and backend in ("auto", chunked.NAME):
        y, last_state, _ = chunked.forward(inputs, need_backward=False)
        return y, last_state.detach()
    given = [t for t in inputs[:7] if t is not None]
    need_backward = torch.is_grad_enabled() and any(t.requires_grad for t in given)
    y, last_state, _ = torch.ops.lightning_face.directional_scan(
        *inputs[:10], list(inputs.orders), backend, need_backward
    )
    return y, last_state.detach()


# The decorator torch.library.custom_op would import torch's compiler at the first call, which takes
# seconds; definitions by schema do not.
torch.library.define(
    FORWARD, f"({_TENSORS}, {_SETTINGS}, bool need_backward) -> (Tensor, Tensor, Tensor[])"
)
torch.library.define(
    BACKWARD, f"(Tensor grad_y, Tensor[] saved, {_TENSORS}, {_SETTINGS}) -> Tensor[]"
)


@torch.library.impl(FORWARD, "default")
def _forward(*arguments: object) -> tuple[Tensor, Tensor, list[Tensor]]:
    inputs, backend, need_backward = _unpack(arguments)
    module = load_backend(choose_backend(inputs.u.device, backend))
    if inputs.u.numel() == 0:
        y, last_state, saved = _forward_fake(*arguments)
        return y, last_state.zero_(), saved
    with torch.autocast(inputs.u.device.type, enabled=False):
        y, last_state, saved = module.forward(inputs, need_backward)
    return _laid_out_like(y, inputs.u), last_state, saved


@torch.library.register_fake(FORWARD)
def _forward_fake(*arguments: object) -> tuple[Tensor, Tensor, list[Tensor]]:
    inputs, backend, need_backward = _unpack(arguments)
    module = load_backend(choose_backend(inputs.u.device, backend))
    last_state = inputs.u.new_empty((inputs.u.shape[0], *inputs.A.shape), dtype=torch.float32)
    saved = module.saved_like(inputs) if need_backward else []
    return torch.empty_like(inputs.u), last_state, saved


@torch.library.impl(BACKWARD, "default")
def _backward(grad_y: Tensor, saved: list[Tensor], *arguments: object) -> list[Tensor]:
    inputs, backend, _ = _unpack((*arguments, True))
    given = [t for t in inputs[:7] if t is not None]
    if inputs.u.numel() == 0:
        return [torch.zeros_like(t) for t in given]
    module = load_backend(choose_backend(inputs.u.device, backend))
    with torch.autocast(inputs.u.device.type, enabled=False):
        found = module.backward(inputs, saved, grad_y)
    grads = [t for t in found if t is not None]
    return [_laid_out_like(grad, t) for grad, t in zip(grads, given, strict=True)]


@torch.library.register_fake(BACKWARD)
def _backward_fake(grad_y: Tensor, saved: list[Tensor], *arguments: object) -> list[Tensor]:
    return [torch.empty_like(t) for t in arguments[:7] if isinstance(t, Tensor)]


def _setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
    *arguments, need_backward = inputs
    if not need_backward:
        raise RuntimeError("the scan was asked for no gradient and is differentiated")
    ctx.save_for_backward(*arguments[:7], *output[2])
    ctx.settings = arguments[7:]  # type: ignore[attr-defined]
    ctx.set_materialize_grads(False)


def _differentiate(
    ctx: FunctionCtx, grad_y: Tensor | None, grad_state: Tensor | None, grad_saved: object
) -> tuple[Any, ...]:
    settings: list[Any] = ctx.settings  # type: ignore[attr-defined]
    # read once: under activation checkpointing every read computes the tensors again
    tensors = ctx.saved_tensors  # type: ignore[attr-defined]
    arguments, saved = tensors[:7], list(tensors[7:])
    if grad_y is None:
        return (None,) * (len(arguments) + len(settings) + 1)
    grads = torch.ops.lightning_face.directional_scan_backward(grad_y, saved, *arguments, *settings)
    found = iter(grads)
    gradients = [None if t is None else next(found) for t in arguments]
    return (*gradients, *(None for _ in settings), None)


torch.library.register_autograd(FORWARD, _differentiate, setup_context=_setup_context)


def _unpack(arguments: tuple[object, ...]) -> tuple[ScanInputs, str, bool]:
    *values, orders, backend, need_backward = cast(tuple[Any, ...], arguments)
    return ScanInputs._make((*values, tuple(orders))), backend, need_backward


def _laid_out_like(result: Tensor, argument: Tensor) -> Tensor:
    """The result in the type and strides of the argument, copied only where they differ."""
    wanted = torch.empty_like(argument, device="meta")
    if result.dtype == wanted.dtype and result.stride() == wanted.stride():
        return result
    return torch.empty_like(argument).copy_(result)


def _check(inputs: ScanInputs) -> None:
    """Raise a ValueError that names the argument whose shape does not fit."""
    u, B = inputs.u, inputs.B
    if u.dim() != 3 or inputs.A.dim() != 3 or B.dim() != 5:
        raise ValueError(
            "u must be (batch, length, channels), A (K, channels, N) and B (batch, length, K, G, N)"
            f"; got {tuple(u.shape)}, {tuple(inputs.A.shape)} and {tuple(B.shape)}"
        )
    batch, length, channels = u.shape
    directions, groups, states = len(inputs.orders), B.shape[3], inputs.A.shape[2]
    if not directions or not set(inputs.orders) <= {0, 1, 2, 3}:
        raise ValueError(f"orders must be codes from 0 to 3, got {inputs.orders}")
    if states < 1:
        raise ValueError("A has no states; N must be at least 1")
    if length < 1 or inputs.height * inputs.width != length:
        raise ValueError(
            f"a grid of {inputs.height} x {inputs.width} does not hold {length} tokens"
        )
    if groups < 1 or channels % groups:
        raise ValueError(f"{groups} groups do not divide {channels} channels")
    expected = {
        "u": (batch, length, channels),
        "delta": (batch, length, directions, channels),
        "A": (directions, channels, states),
        "B": (batch, length, directions, groups, states),
        "C": (batch, length, directions, groups, states),
        "D": (directions, channels),
        "delta_bias": (directions, channels),
    }
    for name, shape in expected.items():
        tensor = getattr(inputs, name)
        if tensor is None:
            continue
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must be of shape {shape}, got {tuple(tensor.shape)}")
        if not tensor.is_floating_point():
            raise ValueError(f"{name} must be real and floating-point, got {tensor.dtype}")
        if tensor.device != u.device:
            raise ValueError(f"{name} is on {tensor.device} but u on {u.device}")
