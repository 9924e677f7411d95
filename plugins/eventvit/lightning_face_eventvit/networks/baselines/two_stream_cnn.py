"""Two CNNs with transformers, one for events and one for RGB."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from lightning_face_eventvit.networks.baselines.cnn_transformer import CNNTransformerEncoder

__all__ = ["TwoStreamCNN"]


class TwoStreamCNN(nn.Module):
    """Classify pairs of an event clip and an RGB clip by the features of both.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``TwoStreamCNNTransformerEncoder``.

    Args:
        num_classes: Number of classes.
        hidden_dim: Features of a frame in each stream, a multiple of 4.
    """

    inputs: ClassVar[tuple[str, ...]] = ("event", "rgb")
    image_size: ClassVar[int] = CNNTransformerEncoder.image_size

    def __init__(self, num_classes: int = 24, hidden_dim: int = 256) -> None:
        super().__init__()
        self.rgb_stream = CNNTransformerEncoder(hidden_dim, channels=3)
        self.event_stream = CNNTransformerEncoder(hidden_dim, channels=1)
        self.fc = nn.Linear(2 * hidden_dim, num_classes)

    def forward(self, event: Tensor, rgb: Tensor) -> Tensor:
        """Classify pairs of clips.

        Args:
            event: Event frames ``(batch, frames, 1, 224, 224)``, uint8 or in [0, 1].
            rgb: RGB frames ``(batch, frames, 3, 224, 224)``; the number of frames may differ.

        Returns:
            Logits ``(batch, classes)``.

        Raises:
            DataError: Frames are not about 224 pixels a side or have other channels.
        """
        logits: Tensor = self.fc(torch.cat((self.event_stream(event), self.rgb_stream(rgb)), 1))
        return logits
