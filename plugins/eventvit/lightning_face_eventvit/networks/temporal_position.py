"""Where in time a frame stands.

All three kinds start without any effect, so that a network without positions can be trained on
with them. They count from the end of the clip, since padding stands in front of it: how many
padding frames there are does not move the others.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError, DataError

__all__ = [
    "LearnedPositions",
    "RotaryPositions",
    "SinusoidalPositions",
    "TemporalPosition",
    "apply_positions",
    "make_positions",
]

TemporalPosition = Literal["none", "learned", "sincos", "rope"]


class LearnedPositions(nn.Module):
    """A learnt vector for every frame, zero at the start.

    Args:
        dim: Width of a frame token.
        max_frames: Frames of the longest clip.
    """

    def __init__(self, dim: int, max_frames: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(max_frames, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """Add positions to frame tokens ``(batch, frames, dim)``.

        Raises:
            DataError: The clip is longer than the table.
        """
        if tokens.shape[1] > len(self.table):
            msg = (
                f"a clip of {tokens.shape[1]} frames is longer than max_frames, {len(self.table)}: "
                "raise it, or take temporal_pos sincos or rope"
            )
            raise DataError(msg)
        return tokens + self.table[len(self.table) - tokens.shape[1] :]


class SinusoidalPositions(nn.Module):
    """Sines and cosines of the frame's place, each scaled by a learnt factor, zero at the start.

    Args:
        dim: Width of a frame token, an even number.

    Raises:
        ConfigError: The width is odd.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", _frequencies("dim", dim), persistent=False)
        self.frequencies: Tensor
        self.scale = nn.Parameter(torch.zeros(dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """Add positions to frame tokens ``(batch, frames, dim)``."""
        angles = _places(tokens.shape[1], tokens.device)[:, None] * self.frequencies
        return tokens + self.scale * torch.cat([angles.sin(), angles.cos()], dim=-1)


class RotaryPositions(nn.Module):
    """Rotation of queries and keys by angles that grow with time, at learnt speeds.

    The speeds start at zero. A class token before the frames stands where the last frame does, so
    what it sees of a frame depends on the frame's place.

    Args:
        dim_head: Width of a head, an even number.
        class_token: Whether a class token precedes the frames.

    Raises:
        ConfigError: The width is odd.

    Source:
        Su et al., "RoFormer" (arXiv 2104.09864), section 3.2, with a factor on every frequency.
    """

    def __init__(self, dim_head: int, class_token: bool) -> None:
        super().__init__()
        self.class_token = class_token
        self.register_buffer("frequencies", _frequencies("dim_head", dim_head), persistent=False)
        self.frequencies: Tensor
        self.speed = nn.Parameter(torch.zeros(dim_head // 2))

    def rotate(self, heads: Tensor) -> Tensor:
        """Rotate queries or keys ``(batch, heads, tokens, dim_head)``."""
        places = _places(heads.shape[2] - self.class_token, heads.device)
        if self.class_token:
            places = torch.cat([places[-1:], places])
        angles = places[:, None] * (self.frequencies * self.speed)
        sine, cosine = angles.sin().to(heads), angles.cos().to(heads)
        first, second = heads.chunk(2, dim=-1)
        return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def make_positions(
    kind: TemporalPosition, dim: int, dim_head: int, max_frames: int, class_token: bool
) -> nn.Module | None:
    """Make what tells the frames of a clip apart.

    Args:
        kind: ``"none"``, ``"learned"``, ``"sincos"`` or ``"rope"``.
        dim: Width of a frame token.
        dim_head: Width of a head.
        max_frames: Frames of the longest clip, needed by ``"learned"`` only.
        class_token: Whether a class token precedes the frames.

    Raises:
        ConfigError: There is no such kind, or a width that it cannot have.
    """
    if kind == "learned":
        return LearnedPositions(dim, max_frames)
    if kind == "sincos":
        return SinusoidalPositions(dim)
    if kind == "rope":
        return RotaryPositions(dim_head, class_token)
    if kind != "none":
        msg = f"temporal_pos is none, learned, sincos or rope, not {kind!r}"
        raise ConfigError(msg)
    return None


def apply_positions(
    positions: nn.Module | None, tokens: Tensor
) -> tuple[Tensor, RotaryPositions | None]:
    """Add positions to frame tokens, or leave those that rotate to the attention.

    Args:
        positions: What `make_positions` gave.
        tokens: Frame tokens ``(batch, frames, dim)``.

    Returns:
        The tokens, and the rotation of queries and keys.
    """
    if isinstance(positions, RotaryPositions):
        return tokens, positions
    return (tokens if positions is None else positions(tokens)), None


def _frequencies(name: str, width: int) -> Tensor:
    if width % 2:
        msg = f"temporal_pos takes an even {name}, not {width}"
        raise ConfigError(msg)
    return 10000.0 ** (-torch.arange(width // 2) / (width // 2))


def _places(frames: int, device: torch.device) -> Tensor:
    """Number frames backwards: the last one is 0, the one before it -1."""
    return torch.arange(1 - frames, 1, device=device)
