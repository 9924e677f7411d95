"""CNN on frames, transformer over time, with expression coefficients as a second output."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from lightning_face_eventvit.networks.baselines.cnn_transformer import CNNTransformer

__all__ = ["CNNTransformerAlpha", "CNNTransformerAlphaOutput"]


class CNNTransformerAlphaOutput(NamedTuple):
    """What a network with expression coefficients returns.

    Attributes:
        logits: Scores of the classes ``(batch, classes)``.
        alphas: Expression coefficients of every frame ``(batch, frames, coefficients)``.
    """

    logits: Tensor
    alphas: Tensor


class CNNTransformerAlpha(nn.Module):
    """Classify clips and regress the expression coefficients of their frames.

    The coefficients of a frame are a linear function of the positive part of what the sequence
    encoder of a `CNNTransformer` makes of it. Both outputs are trained together: this is the
    network that the paper teaches across modalities.

    Source: Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal Supervision", ECCV
    2024 workshops.

    Args:
        num_classes: Number of classes.
        hidden_dim: Features of a frame, a multiple of 4.
        channels: Channels of a frame, 1 for events and 3 for RGB.
        num_alphas: Expression coefficients of a frame.
    """

    inputs: ClassVar[tuple[str, ...]] = ("clip",)
    image_size: ClassVar[int] = CNNTransformer.image_size

    def __init__(
        self,
        num_classes: int = 24,
        hidden_dim: int = 256,
        channels: int = 1,
        num_alphas: int = 32,
    ) -> None:
        super().__init__()
        self.cnn_transformer = CNNTransformer(num_classes, hidden_dim, channels)
        self.fc_alpha = nn.Linear(hidden_dim, num_alphas)

    def forward(self, clip: Tensor) -> CNNTransformerAlphaOutput:
        """Classify and regress clips ``(batch, frames, channels, 224, 224)``.

        Raises:
            DataError: The frames are not about 224 pixels a side or have other channels.
        """
        frames, summary = self.cnn_transformer.encode(clip)
        return CNNTransformerAlphaOutput(
            self.cnn_transformer.fc2(summary), self.fc_alpha(functional.relu(frames))
        )
