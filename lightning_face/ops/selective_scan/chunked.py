"""The selective scan in plain torch, with the sequence cut into chunks that advance together.

The length is cut into chunks of about its square root. One loop over the positions inside a chunk
finds the state that each chunk would end in if it began from zero; a second loop over the chunks
carries the states along, since a chunk multiplies what it is given by ``exp(A * sum(delta))``; a
third loop starts from the carried states and gives the output. That is exact, never divides by a
decay, and takes some ``3 * sqrt(length)`` steps. The backward pass has the same three loops.

Works on every device, and where a graph is traced for export.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_face.ops.selective_scan.tokens import visiting_order
from lightning_face.ops.selective_scan.types import ScanGradients, ScanInputs

NAME = "chunked"

# Elements of all chunks' states that are advanced at once: few enough to stay in a core's cache.
_STATE_ELEMENTS = 1 << 16
# Elements of the states of all positions that the backward pass holds at once.
_HISTORY_ELEMENTS = 1 << 20


def unavailable() -> str | None:
    """None: plain torch is always there."""
    return None


def supports(device: torch.device) -> bool:
    """True on every device."""
    return True


def saved_like(inputs: ScanInputs) -> list[Tensor]:
    """States at the start of the chunks ``(K, batch, chunks, G, N, channels / G)``."""
    batch, length, channels = inputs.u.shape
    groups, states = inputs.B.shape[3:]
    chunks = -(-length // _chunk_length(length))
    shape = (len(inputs.orders), batch, chunks, groups, states, channels // groups)
    return [inputs.u.new_empty(shape, dtype=torch.float32)]


def forward(inputs: ScanInputs, need_backward: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Output, last state, and the states at the start of the chunks."""
    total: Tensor | None = None
    last_states, saved = [], []
    for k, order in enumerate(inputs.orders):
        tokens = visiting_order(order, inputs.height, inputs.width, inputs.u.device)
        terms = _terms(inputs, k, tokens)
        width = terms.u.shape[-1]
        parts = [_forward_block(terms, block) for block in _blocks(terms, _STATE_ELEMENTS)]
        y = torch.cat([part[0] for part in parts], dim=-1)
        if inputs.D is not None:
            y = y + inputs.D[k].float().reshape(-1, 1, width) * terms.u
        placed = _from_chunks(y, inputs.u.shape[1])[:, tokens.argsort()]
        total = placed if total is None else total + placed
        last = torch.cat([part[1] for part in parts], dim=-1)
        last_states.append(last.transpose(-1, -2).flatten(1, 2))
        if need_backward:
            saved.append(torch.cat([part[2] for part in parts], dim=-1))
    if total is None:
        raise ValueError("the scan needs at least one direction")
    y = total.to(inputs.u.dtype)
    return y, torch.stack(last_states, dim=1), [torch.stack(saved)] if need_backward else []


def backward(inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
    """Gradients by the adjoint recurrence, run backwards over the chunks."""
    batch, length, channels = inputs.u.shape
    rows: dict[str, list[Tensor]] = {name: [] for name in ("delta", "A", "B", "C", "D", "bias")}
    grad_u = torch.zeros(batch, length, channels, device=grad_y.device)
    for k, order in enumerate(inputs.orders):
        tokens = visiting_order(order, inputs.height, inputs.width, inputs.u.device)
        back = tokens.argsort()
        terms = _terms(inputs, k, tokens)
        grad = _chunks(_grouped(grad_y[:, tokens].float(), terms.A.shape[0]))
        blocks = _blocks(terms, _HISTORY_ELEMENTS // terms.u.shape[0])
        parts = [_backward_block(terms, block, saved[0][k], grad) for block in blocks]
        from_input = torch.cat([part[0] for part in parts], dim=-1)
        from_decay = torch.cat([part[1] for part in parts], dim=-1)
        grad_step = terms.u * from_input + from_decay
        if inputs.softplus:
            grad_step = grad_step * torch.where(terms.raw > 20, 1.0, torch.sigmoid(terms.raw))
        grad_drive = terms.delta * from_input
        grad_delta = _from_chunks(grad_step, length)
        if inputs.D is not None:
            grad_drive = grad_drive + inputs.D[k].float().view_as(terms.A[:, :1]) * grad
            rows["D"].append((grad * terms.u).sum((0, 1, 2)).flatten())
        if inputs.delta_bias is not None:
            rows["bias"].append(grad_delta.sum((0, 1)))
        grad_u += _from_chunks(grad_drive, length)[:, back]
        rows["delta"].append(grad_delta[:, back])
        grad_A = torch.cat([part[2] for part in parts], dim=-1)
        rows["A"].append(grad_A.transpose(-1, -2).flatten(0, 1))
        for name, index in (("B", 3), ("C", 4)):
            merged = torch.stack([part[index] for part in parts]).sum(0)
            rows[name].append(merged.permute(1, 2, 0, 3, 4).flatten(1, 2)[:, :length][:, back])
    return ScanGradients(
        grad_u,
        torch.stack(rows["delta"], dim=2),
        torch.stack(rows["A"]),
        torch.stack(rows["B"], dim=2),
        torch.stack(rows["C"], dim=2),
        torch.stack(rows["D"]) if inputs.D is not None else None,
        torch.stack(rows["bias"]) if inputs.delta_bias is not None else None,
    )


class _Terms(NamedTuple):
    """One direction's arguments in visiting order, ``(position, batch, chunk, group, 1, width)``.

    ``width`` is the number of channels of a group; ``B`` is ``(..., N, 1)``, ``C`` ``(..., 1, N)``
    and ``A`` ``(group, N, width)``. ``raw`` is the step size before the softplus.
    """

    u: Tensor
    raw: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor


def _chunk_length(length: int) -> int:
    return math.isqrt(length - 1) + 1


def _grouped(x: Tensor, groups: int) -> Tensor:
    """``(batch, length, channels)`` to ``(batch, length, groups, 1, channels / groups)``."""
    return x.reshape(x.shape[0], x.shape[1], groups, 1, x.shape[2] // groups)


def _chunks(x: Tensor) -> Tensor:
    """``(batch, length, ...)`` to ``(position, batch, chunk, ...)``, zeros after the end."""
    batch, length = x.shape[:2]
    size = _chunk_length(length)
    count = -(-length // size)
    missing = count * size - length
    if missing:
        x = torch.cat([x, x.new_zeros(batch, missing, *x.shape[2:])], dim=1)
    return x.reshape(batch, count, size, *x.shape[2:]).movedim(2, 0).contiguous()


def _from_chunks(x: Tensor, length: int) -> Tensor:
    """``(position, batch, chunk, groups, 1, width)`` to ``(batch, length, channels)``."""
    return x.permute(1, 2, 0, 3, 4, 5).flatten(3).flatten(1, 2)[:, :length]


def _terms(inputs: ScanInputs, k: int, tokens: Tensor) -> _Terms:
    groups, states = inputs.B.shape[3:]
    raw = inputs.delta[:, tokens, k].float()
    if inputs.delta_bias is not None:
        raw = raw + inputs.delta_bias[k].float()
    delta = F.softplus(raw, threshold=20) if inputs.softplus else raw
    B = inputs.B[:, tokens, k].float()
    C = inputs.C[:, tokens, k].float()
    # A step size of zero after the end leaves the state as it is.
    return _Terms(
        u=_chunks(_grouped(inputs.u[:, tokens].float(), groups)),
        raw=_chunks(_grouped(raw, groups)),
        delta=_chunks(_grouped(delta, groups)),
        A=inputs.A[k].float().reshape(groups, -1, states).transpose(1, 2).contiguous(),
        B=_chunks(B)[..., None],
        C=_chunks(C)[..., None, :],
    )


def _blocks(terms: _Terms, elements: int) -> list[slice]:
    """Slices of a group's channels whose states number at most ``elements``."""
    width = terms.u.shape[-1]
    per_channel = terms.A.shape[0] * terms.A.shape[1] * terms.u[0, :, :, 0].numel() // width
    size = width if tracing() else max(16, elements // max(per_channel, 1) // 16 * 16)
    return [slice(start, min(start + size, width)) for start in range(0, width, size)]


def tracing() -> bool:
    """Whether the caller is being recorded as a graph that has to run without this package."""
    exporting = torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export()
    return exporting or torch.jit.is_tracing()  # type: ignore[attr-defined]


def _carry(ends: Tensor, decay: Tensor, backwards: bool) -> tuple[Tensor, Tensor]:
    """States given to each chunk and the one that leaves the last, chunks along dimension 1."""
    state = torch.zeros_like(ends[:, 0])
    given = []
    chunks = range(ends.shape[1])
    for chunk in reversed(chunks) if backwards else chunks:
        given.append(state)
        state = ends[:, chunk] + decay[:, chunk] * state
    return torch.stack(given[::-1] if backwards else given, dim=1), state


def _forward_block(terms: _Terms, block: slice) -> tuple[Tensor, Tensor, Tensor]:
    delta = terms.delta[..., block].contiguous()
    drive = delta * terms.u[..., block]
    A = terms.A[..., block].contiguous()
    positions = range(delta.shape[0])
    state = drive[0] * terms.B[0]
    for t in positions[1:]:
        state = state.mul_(torch.exp(delta[t] * A)).addcmul_(drive[t], terms.B[t])
    starts, last = _carry(state, torch.exp(delta.sum(0) * A), backwards=False)
    state = starts.clone()
    outputs = []
    for t in positions:
        state = state.mul_(torch.exp(delta[t] * A)).addcmul_(drive[t], terms.B[t])
        outputs.append(terms.C[t] @ state)
    return torch.stack(outputs), last, starts


def _backward_block(
    terms: _Terms, block: slice, starts: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    delta = terms.delta[..., block].contiguous()
    drive = delta * terms.u[..., block]
    A = terms.A[..., block].contiguous()
    grad = grad[..., block].contiguous()
    positions = range(delta.shape[0])
    decay = torch.exp_(delta * A)
    # states[t] is the state before position t
    states = decay.new_empty((len(positions) + 1, *decay.shape[1:]))
    states[0] = starts[..., block]
    for t in positions:
        torch.mul(states[t], decay[t], out=states[t + 1]).addcmul_(drive[t], terms.B[t])

    C = terms.C.transpose(-1, -2)
    leaving = torch.zeros_like(states[0])
    for t in reversed(positions):
        leaving.addcmul_(grad[t], C[t]).mul_(decay[t])
    arriving, _ = _carry(leaving, torch.exp(delta.sum(0) * A), backwards=True)
    adjoint = torch.empty_like(decay)
    for t in reversed(positions):
        torch.addcmul(arriving, grad[t], C[t], out=adjoint[t])
        torch.mul(adjoint[t], decay[t], out=arriving)

    from_input = terms.B.transpose(-1, -2) @ adjoint
    grad_B = (adjoint @ drive.transpose(-1, -2)).squeeze(-1)
    grad_C = (states[1:] @ grad.transpose(-1, -2)).squeeze(-1)
    # adjoint of the exponent's argument, written over buffers that are needed no more
    exponent = decay.mul_(states[:-1]).mul_(adjoint)
    grad_A = torch.mul(exponent, delta, out=adjoint).sum((0, 1, 2))
    from_decay = exponent.mul_(A).sum(-2, keepdim=True)
    return from_input, from_decay, grad_A, grad_B, grad_C
