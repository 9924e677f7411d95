"""Scans of a feature map along its rows and columns, forwards and backwards.

Source: Liu et al., "VMamba: Visual State Space Model", section 4.2 (cross-scan and cross-merge).
The four sequences are stacked as rows, columns, rows backwards, columns backwards.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.ops.selective_scan import directional_scan
from lightning_face.ops.selective_scan.tokens import visiting_order

__all__ = ["cross_merge", "cross_scan", "cross_unscan", "ss2d_scan"]

ORDERS = (0, 1, 2, 3)


def cross_scan(x: Tensor) -> Tensor:
    """Unroll a map into its four sequences.

    Args:
        x: Feature map ``(batch, channels, height, width)``.

    Returns:
        ``(batch, 4, channels, height * width)``.
    """
    rows, columns = x.flatten(2), x.transpose(2, 3).flatten(2)
    return torch.stack([rows, columns, rows.flip(-1), columns.flip(-1)], dim=1)


def cross_unscan(sequences: Tensor, height: int, width: int) -> Tensor:
    """Put each of four sequences back in row order.

    Args:
        sequences: ``(batch, 4, channels, height * width)`` in the orders of :func:`cross_scan`.
        height: Rows of the map.
        width: Columns of the map.

    Returns:
        ``(batch, 4, channels, height * width)``, every sequence along rows.

    Raises:
        ValueError: The sequences are not four or not as long as the map has positions.
    """
    if sequences.dim() != 4 or sequences.shape[1] != 4 or sequences.shape[3] != height * width:
        raise ValueError(
            f"sequences of a {height} x {width} map must be (batch, 4, channels, {height * width})"
            f", got {tuple(sequences.shape)}"
        )
    back = [visiting_order(k, height, width, sequences.device).argsort() for k in ORDERS]
    return torch.stack([sequences[:, k, :, back[k]] for k in ORDERS], dim=1)


def cross_merge(sequences: Tensor, height: int, width: int) -> Tensor:
    """Put four sequences back in row order and add them.

    Args:
        sequences: ``(batch, 4, channels, height * width)`` in the orders of :func:`cross_scan`.
        height: Rows of the map.
        width: Columns of the map.

    Returns:
        ``(batch, channels, height * width)``.

    Raises:
        ValueError: The sequences are not four or not as long as the map has positions.
    """
    rows, columns, rows_back, columns_back = cross_unscan(sequences, height, width).unbind(1)
    return rows + rows_back + columns + columns_back


def ss2d_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    height: int,
    width: int,
    backend: str = "auto",
) -> Tensor:
    """Scan row-ordered tokens in the four directions and add the outputs.

    Equal to cross-scan, one selective scan per direction with softplus, and cross-merge, without
    the permuted copies.

    Args:
        u: Tokens ``(batch, length, channels)``.
        delta: Step sizes before bias and softplus ``(batch, length, 4, channels)``.
        A: State matrices ``(4, channels, N)``.
        B: Input matrices ``(batch, length, 4, N)``.
        C: Output matrices ``(batch, length, 4, N)``.
        D: Skip weights ``(4, channels)``.
        delta_bias: Added to the step sizes ``(4, channels)``.
        height: Rows of the map.
        width: Columns of the map.
        backend: One of :func:`~lightning_face.ops.selective_scan.available_backends`, or "auto".

    Returns:
        ``(batch, length, channels)`` in the type of ``u``.

    Raises:
        ValueError: A shape does not fit the others.
        RuntimeError: The backend asked for cannot be used.
    """
    y, _ = directional_scan(
        u,
        delta,
        A,
        B.unsqueeze(3),
        C.unsqueeze(3),
        D,
        delta_bias,
        softplus=True,
        height=height,
        width=width,
        orders=ORDERS,
        backend=backend,
    )
    return y
