"""CNN on frames, transformer over time."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from lightning_face_eventvit.networks.baselines.clip import check_clip, prepare_frames
from lightning_face_eventvit.networks.baselines.sequence_encoder import SequenceEncoder

__all__ = ["CNNTransformer", "CNNTransformerEncoder"]

FLAT_SIZE = 12 * 11 * 11
# sides from which the four steps make 11; the published size is 224
SIZES = range(212, 228)


class CNNTransformerEncoder(nn.Module):
    """Features of a clip and of its frames, without a classifier.

    Four steps of convolution, batch norm, ReLU and max pooling make 12 maps of 11x11 out of a
    frame of 224x224; a linear layer makes ``hidden_dim`` numbers out of these, and a
    `SequenceEncoder` runs over the frames.

    Args:
        hidden_dim: Features of a frame, a multiple of 4.
        channels: Channels of a frame, 1 for events and 3 for RGB.
    """

    image_size: ClassVar[int] = 224
    """Published height and width of a frame in pixels."""

    def __init__(self, hidden_dim: int = 256, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = nn.Conv2d(channels, 3, 5)
        self.bn1 = nn.BatchNorm2d(3)
        self.conv2 = nn.Conv2d(3, 6, 5)
        self.bn2 = nn.BatchNorm2d(6)
        self.conv3 = nn.Conv2d(6, 9, 3)
        self.bn3 = nn.BatchNorm2d(9)
        self.conv4 = nn.Conv2d(9, 12, 3)
        self.bn4 = nn.BatchNorm2d(12)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()
        self.fc1 = nn.Linear(FLAT_SIZE, hidden_dim)
        self.transformer_encoder = SequenceEncoder(hidden_dim)

    def encode(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """Encode clips.

        Args:
            clip: Frames ``(batch, frames, channels, 224, 224)``, uint8 or in [0, 1].

        Returns:
            Features of the frames ``(batch, frames, hidden_dim)`` and of the clips
            ``(batch, hidden_dim)``.

        Raises:
            DataError: The frames are not about 224 pixels a side or have other channels.
        """
        check_clip(clip, self.channels, type(self).__name__, SIZES)
        maps = prepare_frames(clip.flatten(0, 1), self.conv1.weight.dtype)
        for convolution, norm in (
            (self.conv1, self.bn1),
            (self.conv2, self.bn2),
            (self.conv3, self.bn3),
            (self.conv4, self.bn4),
        ):
            maps = self.pool(self.relu(norm(convolution(maps))))
        frames: Tensor = self.relu(self.fc1(maps.flatten(1)))
        return self.transformer_encoder(frames.unflatten(0, clip.shape[:2]))

    def forward(self, clip: Tensor) -> Tensor:
        """Encode clips: ``(batch, frames, channels, 224, 224)`` to ``(batch, hidden_dim)``."""
        return self.encode(clip)[1]


class CNNTransformer(CNNTransformerEncoder):
    """Classify clips by a CNN on frames and a transformer over time.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``CNNTransformerfEncoder``.

    Args:
        num_classes: Number of classes.
        hidden_dim: Features of a frame, a multiple of 4.
        channels: Channels of a frame, 1 for events and 3 for RGB.
    """

    inputs: ClassVar[tuple[str, ...]] = ("clip",)

    def __init__(self, num_classes: int = 24, hidden_dim: int = 256, channels: int = 1) -> None:
        super().__init__(hidden_dim, channels)
        self.fc2 = nn.Linear(hidden_dim, num_classes)

    def forward(self, clip: Tensor) -> Tensor:
        """Classify clips ``(batch, frames, channels, 224, 224)``: logits ``(batch, classes)``."""
        logits: Tensor = self.fc2(self.encode(clip)[1])
        return logits
