"""The small transformer that several baselines end with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError, DataError

__all__ = ["SequenceEncoder", "sinusoids"]

TABLE_LENGTH = 5000
HEADS = 4
FEED_FORWARD_DIM = 64
DROPOUT = 0.2


def sinusoids(length: int, dim: int) -> Tensor:
    """Compute sines (even features) and cosines (odd features) of positions ``(length, dim)``.

    Source: Vaswani et al., "Attention Is All You Need", section 3.5.

    Args:
        length: Number of positions, the first of which is 0.
        dim: Features of a position, an even number.
    """
    positions = torch.arange(length, dtype=torch.float32)[:, None]
    frequencies = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    angles = positions * frequencies
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)


class _PositionTable(nn.Module):
    """Adds the sinusoid table, which published checkpoints hold as a buffer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.pe: Tensor
        self.register_buffer("pe", sinusoids(TABLE_LENGTH, dim)[:, None])

    def forward(self, sequence: Tensor) -> Tensor:
        added: Tensor = self.dropout(sequence + self.pe[: sequence.shape[1], 0])
        return added


class SequenceEncoder(nn.Module):
    """One post-norm transformer layer over a sequence and a learnt class token.

    The class token is put in front and takes position 0, the first element position 1. The layer
    has 4 heads, 64 hidden units with ReLU, and dropout 0.2.

    Args:
        dim: Features of an element, a multiple of 4.

    Raises:
        ConfigError: The width is no multiple of the heads.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim <= 0 or dim % HEADS:
            raise ConfigError(f"the sequence encoder has {HEADS} heads: {dim} is no multiple of it")
        self.cls_tokens = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_encoder = _PositionTable(dim)
        layer = nn.TransformerEncoderLayer(dim, HEADS, FEED_FORWARD_DIM, DROPOUT, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Encode sequences ``(batch, elements, dim)``, at most 4999 elements.

        Returns:
            What became of the elements ``(batch, elements, dim)`` and of the class token
            ``(batch, dim)``.

        Raises:
            DataError: The sequence is longer than the position table.
        """
        if sequence.shape[1] >= TABLE_LENGTH:
            raise DataError(
                f"a sequence of {sequence.shape[1]} is too long, positions end at "
                f"{TABLE_LENGTH - 1}: use fewer frames"
            )
        class_token = self.cls_tokens.expand(sequence.shape[0], -1, -1)
        encoded = self.transformer_encoder(self.pos_encoder(torch.cat((class_token, sequence), 1)))
        return encoded[:, 1:], encoded[:, 0]
