"""The selective scan of a sequence, with the arguments of the ``mamba_ssm`` package."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from lightning_face.ops.selective_scan.operator import directional_scan

__all__ = ["selective_scan"]


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    """Scan a sequence with a state-space model whose parameters change from token to token.

    With ``d = softplus(delta + delta_bias)``, the state ``h`` of each channel starts at zero and
    ``h = exp(d A) h + d u B``; the output is ``(C h + D u) silu(z)``. State and arithmetic are
    float32 whatever the types of the arguments.

    Args:
        u: Input ``(batch, channels, length)``.
        delta: Step sizes ``(batch, channels, length)``.
        A: State matrix ``(channels, N)``, real.
        B: Input matrix ``(batch, N, length)``, ``(batch, G, N, length)`` with channel ``c`` in
            group ``c // (channels / G)``, or ``(channels, N)`` when it is the same at every token.
        C: Output matrix, shaped in one of the same ways.
        D: Skip weights ``(channels,)``.
        z: Gate ``(batch, channels, length)``.
        delta_bias: Added to the step sizes ``(channels,)``.
        delta_softplus: Whether step sizes pass a softplus, which is the identity above 20.
        return_last_state: Whether the state after the last token is wanted too.
        backend: One of :func:`available_backends`, or "auto".

    Returns:
        Output ``(batch, channels, length)`` in the type of ``u``; with ``return_last_state`` also
        the last state ``(batch, channels, N)`` in float32, through which no gradient flows.

    Raises:
        ValueError: A shape does not fit the others, or a parameter is complex.
        RuntimeError: The backend asked for cannot be used.

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", section
    3 and algorithm 2.
    """
    for name, parameter in (("A", A), ("B", B), ("C", C)):
        if parameter.is_complex():
            raise ValueError(f"{name} is complex; only real state-space parameters are supported")
    if u.dim() != 3 or delta.shape != u.shape or A.dim() != 2:
        raise ValueError(
            "u and delta must be (batch, channels, length) and A (channels, N); got "
            f"{tuple(u.shape)}, {tuple(delta.shape)} and {tuple(A.shape)}"
        )
    if z is not None and z.shape != u.shape:
        raise ValueError(f"z must be shaped like u, got {tuple(z.shape)} and {tuple(u.shape)}")
    groups = max(
        (m.shape[1] if m.dim() == 4 else u.shape[1] if m.dim() == 2 else 1) for m in (B, C)
    )
    # A gated output is rounded to the type of u once, after the gate.
    y, last_state = directional_scan(
        (u if z is None else u.float()).transpose(1, 2),
        delta.transpose(1, 2).unsqueeze(2),
        A.unsqueeze(0),
        _by_token("B", B, u, groups),
        _by_token("C", C, u, groups),
        None if D is None else D.unsqueeze(0),
        None if delta_bias is None else delta_bias.unsqueeze(0),
        softplus=delta_softplus,
        height=1,
        width=u.shape[2],
        backend=backend,
    )
    out = y.transpose(1, 2)
    if z is not None:
        out = (out * F.silu(z.float())).to(u.dtype)
    return (out, last_state.squeeze(1)) if return_last_state else out


def _by_token(name: str, matrix: Tensor, u: Tensor, groups: int) -> Tensor:
    """Input or output matrix as ``(batch, length, 1, groups, N)``."""
    batch, channels, length = u.shape
    if matrix.dim() == 2 and matrix.shape[0] == channels:
        by_token = matrix.expand(batch, length, channels, matrix.shape[1])
    elif matrix.dim() == 3 and (matrix.shape[0], matrix.shape[2]) == (batch, length):
        by_token = matrix.transpose(1, 2).unsqueeze(2)
    elif matrix.dim() == 4 and (matrix.shape[0], matrix.shape[3]) == (batch, length):
        by_token = matrix.permute(0, 3, 1, 2)
    else:
        raise ValueError(
            f"{name} must be (batch, N, length), (batch, groups, N, length) or (channels, N), got "
            f"{tuple(matrix.shape)} for u {tuple(u.shape)}"
        )
    if by_token.shape[2] != groups:
        if groups % by_token.shape[2]:
            raise ValueError(f"the groups of B and C do not divide each other: {name} has {groups}")
        by_token = by_token.repeat_interleave(groups // by_token.shape[2], dim=2)
    return by_token.unsqueeze(2)
