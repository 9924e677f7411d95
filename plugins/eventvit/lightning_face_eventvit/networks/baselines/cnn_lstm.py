"""CNN on frames, LSTM over time."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from lightning_face_eventvit.networks.baselines.clip import check_clip, prepare_frames

__all__ = ["CNNLSTM"]

FLAT_SIZE = 12 * 3 * 3
# sides from which the four steps make 3; the published size is 360
SIZES = range(303, 367)


class CNNLSTM(nn.Module):
    """Classify event clips of 360x360 by a CNN on frames and the last step of an LSTM.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``CNNLSTM``.

    Args:
        num_classes: Number of classes.
        hidden_dim: Features of a frame and state of the LSTM.
    """

    inputs: ClassVar[tuple[str, ...]] = ("clip",)
    image_size: ClassVar[int] = 360
    """Published height and width of a frame in pixels."""

    def __init__(self, num_classes: int = 24, hidden_dim: int = 256) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 5, stride=2)
        self.conv2 = nn.Conv2d(3, 6, 5, stride=2)
        self.conv3 = nn.Conv2d(6, 9, 3)
        self.conv4 = nn.Conv2d(9, 12, 3)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()
        self.fc1 = nn.Linear(FLAT_SIZE, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, num_classes)
        self.lstm = nn.LSTM(hidden_dim, hidden_dim, batch_first=True)

    def forward(self, clip: Tensor) -> Tensor:
        """Classify clips.

        Args:
            clip: Event frames ``(batch, frames, 1, 360, 360)``, uint8 or in [0, 1].

        Returns:
            Logits ``(batch, classes)``.

        Raises:
            DataError: The frames are not about 360 pixels a side or have other channels.
        """
        check_clip(clip, 1, type(self).__name__, SIZES)
        maps = prepare_frames(clip.flatten(0, 1), self.conv1.weight.dtype)
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            maps = self.pool(self.relu(convolution(maps)))
        frames = self.relu(self.fc1(maps.flatten(1))).unflatten(0, clip.shape[:2])
        steps, _ = self.lstm(frames)
        logits: Tensor = self.fc2(steps[:, -1])
        return logits
