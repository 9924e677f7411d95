"""The selective scan as it is defined: a loop over the tokens in plain torch.

Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", equations
2 to 4 and section 3.2; the input matrix is discretised by the first-order rule of the published
code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_face.ops.selective_scan.tokens import visiting_order
from lightning_face.ops.selective_scan.types import ScanGradients, ScanInputs

NAME = "reference"


def unavailable() -> str | None:
    """None: plain torch is always there."""
    return None


def supports(device: torch.device) -> bool:
    """True on every device."""
    return True


def saved_like(inputs: ScanInputs) -> list[Tensor]:
    """Nothing: the backward pass repeats the loop."""
    return []


def definition(inputs: ScanInputs, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Output ``(batch, length, channels)`` and last state ``(batch, K, channels, N)``.

    Args:
        inputs: Arguments of the scan.
        dtype: Type of the state, the arithmetic and both results.
    """
    share = inputs.u.shape[2] // inputs.B.shape[3]
    total = torch.zeros((), dtype=dtype, device=inputs.u.device)
    states = []
    for k, order in enumerate(inputs.orders):
        tokens = visiting_order(order, inputs.height, inputs.width, inputs.u.device)
        u = inputs.u[:, tokens].to(dtype)
        delta = inputs.delta[:, tokens, k].to(dtype)
        if inputs.delta_bias is not None:
            delta = delta + inputs.delta_bias[k].to(dtype)
        if inputs.softplus:
            delta = F.softplus(delta, threshold=20)
        A = inputs.A[k].to(dtype)
        Bs = inputs.B[:, tokens, k].to(dtype).unbind(1)
        Cs = inputs.C[:, tokens, k].to(dtype).unbind(1)
        state = torch.zeros((u.shape[0], *A.shape), dtype=dtype, device=u.device)
        outputs = []
        for u_l, delta_l, B_l, C_l in zip(u.unbind(1), delta.unbind(1), Bs, Cs, strict=True):
            decay = torch.exp(delta_l[..., None] * A)
            drive = (delta_l * u_l)[..., None] * B_l.repeat_interleave(share, dim=1)
            state = decay * state + drive
            outputs.append((state * C_l.repeat_interleave(share, dim=1)).sum(-1))
        y = torch.stack(outputs, dim=1)
        if inputs.D is not None:
            y = y + inputs.D[k].to(dtype) * u
        total = total + y[:, tokens.argsort()]
        states.append(state)
    return total, torch.stack(states, dim=1)


def forward(inputs: ScanInputs, need_backward: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Output, last state and nothing saved."""
    y, last_state = definition(inputs)
    return y.to(inputs.u.dtype), last_state, []


def backward(inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
    """Gradients by the chain rule, one token after the other from the last to the first."""
    batch, _, channels = inputs.u.shape
    groups, states = inputs.B.shape[3:]
    share = channels // groups
    grads = ScanGradients._make(
        None if t is None else torch.zeros_like(t, dtype=torch.float32) for t in inputs[:7]
    )
    for k, order in enumerate(inputs.orders):
        tokens = visiting_order(order, inputs.height, inputs.width, inputs.u.device)
        u = inputs.u.float()
        raw = inputs.delta[:, :, k].float()
        if inputs.delta_bias is not None:
            raw = raw + inputs.delta_bias[k].float()
        delta = F.softplus(raw, threshold=20) if inputs.softplus else raw
        slope = torch.where(raw > 20, 1.0, torch.sigmoid(raw)) if inputs.softplus else None
        A = inputs.A[k].float()
        B, C = (m[:, :, k].float().repeat_interleave(share, dim=2) for m in (inputs.B, inputs.C))
        before = [u.new_zeros(batch, channels, states)]
        for t in tokens:
            drive = (delta[:, t] * u[:, t])[..., None] * B[:, t]
            before.append(torch.exp(delta[:, t, :, None] * A) * before[-1] + drive)
        arriving = torch.zeros_like(before[0])
        for t in tokens.flip(0):
            after = before.pop()
            g = grad_y[:, t].float()[..., None]
            x = g * C[:, t] + arriving
            arriving = torch.exp(delta[:, t, :, None] * A) * x
            exponent = arriving * before[-1]
            step = delta[:, t, :, None]
            from_input = (x * B[:, t]).sum(-1)
            grad_delta = u[:, t] * from_input + (exponent * A).sum(-1)
            if slope is not None:
                grad_delta = grad_delta * slope[:, t]
            grads.u[:, t] += delta[:, t] * from_input
            grads.delta[:, t, k] = grad_delta
            grads.A[k] += (exponent * step).sum(0)
            grad_B = x * step * u[:, t, :, None]
            grads.B[:, t, k] = grad_B.unflatten(1, (groups, share)).sum(2)
            grads.C[:, t, k] = (g * after).unflatten(1, (groups, share)).sum(2)
        if inputs.D is not None and grads.D is not None:
            grads.u.add_(inputs.D[k].float() * grad_y)
            grads.D[k] = (grad_y * u).sum((0, 1))
        if grads.delta_bias is not None:
            grads.delta_bias[k] = grads.delta[:, :, k].sum((0, 1))
    return grads
