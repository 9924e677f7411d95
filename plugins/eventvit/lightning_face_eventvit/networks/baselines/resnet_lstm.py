"""ResNet-18 on frames, LSTM over time."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from lightning_face.networks.resnet18 import ResNet18
from lightning_face_eventvit.networks.baselines.resnet_frames import resnet_frames

__all__ = ["ResNetLSTM"]


class ResNetLSTM(nn.Module):
    """Classify clips by ResNet-18 on frames and the last step of an LSTM.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``ResnetLSTM``.

    Args:
        num_classes: Number of classes.
        hidden_dim: State of the LSTM.
    """

    inputs: ClassVar[tuple[str, ...]] = ("clip",)

    def __init__(self, num_classes: int = 24, hidden_dim: int = 256) -> None:
        super().__init__()
        self.resnet = ResNet18()
        self.lstm = nn.LSTM(ResNet18.features, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, num_classes)

    @property
    def backbone(self) -> ResNet18:
        """The trunk that ImageNet weights go to."""
        return self.resnet

    def forward(self, clip: Tensor) -> Tensor:
        """Classify clips.

        Args:
            clip: Frames ``(batch, frames, 1 or 3, height, width)`` of any size, uint8 or in
                [0, 1].

        Returns:
            Logits ``(batch, classes)``.

        Raises:
            DataError: The frames have other channels.
        """
        features = self.resnet(resnet_frames(clip, self.fc.weight.dtype))
        steps, _ = self.lstm(features.unflatten(0, clip.shape[:2]))
        logits: Tensor = self.fc(steps[:, -1])
        return logits
