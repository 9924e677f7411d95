"""Which frames of a clip the temporal stage looks at."""

from __future__ import annotations

from torch import Tensor

__all__ = ["mean_over_frames", "visible_frames"]


def visible_frames(frame_valid: Tensor | None) -> Tensor | None:
    """Hide padding, but not all of a clip: a softmax over nothing is not a number.

    Args:
        frame_valid: False for padding, bool ``(batch, frames)``; None if all frames count.
    """
    return None if frame_valid is None else frame_valid | ~frame_valid.any(dim=1, keepdim=True)


def mean_over_frames(tokens: Tensor, visible: Tensor | None) -> Tensor:
    """Average frame tokens ``(batch, frames, dim)`` over the visible ones: ``(batch, dim)``."""
    if visible is None:
        return tokens.mean(dim=1)
    weights = (visible / visible.sum(dim=1, keepdim=True)).to(tokens)
    return (tokens * weights[..., None]).sum(dim=1)
