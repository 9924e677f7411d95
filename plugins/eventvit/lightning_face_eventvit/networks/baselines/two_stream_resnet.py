"""Two recurrent streams over ResNet-18 features that exchange their class tokens."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.errors import DataError
from lightning_face.networks.resnet18 import ResNet18
from lightning_face_eventvit.networks.baselines.resnet_frames import IMAGE_SIZE, resnet_frames
from lightning_face_eventvit.networks.transformer import TemporalTransformer

__all__ = ["TwoStreamResNet"]

DIM = ResNet18.features
PATCHES = (IMAGE_SIZE // 32) ** 2
HEADS = 4
DIM_HEAD = 64
DROPOUT = 0.2


class TwoStreamResNet(nn.Module):
    """Classify pairs of an event clip and an RGB clip frame by frame.

    One trunk makes 49 tokens of a frame of either modality. Each stream runs one transformer
    block over the tokens of its frame, the class token of the other stream and its own, which
    comes back for the next frame.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``ResnetTwoStream``. Its second trunk, which nothing
    uses, is not built.

    Args:
        num_classes: Number of classes.
        hidden_dim: Hidden units of the classifier.
        mlp_dim: Hidden units of the feed-forward networks.
    """

    inputs: ClassVar[tuple[str, ...]] = ("event", "rgb")

    def __init__(self, num_classes: int = 24, hidden_dim: int = 32, mlp_dim: int = 128) -> None:
        super().__init__()
        self.resnet_event = ResNet18()
        self.encoder_rgb = TemporalTransformer(DIM, 1, HEADS, DIM_HEAD, mlp_dim, DROPOUT)
        self.encoder_event = TemporalTransformer(DIM, 1, HEADS, DIM_HEAD, mlp_dim, DROPOUT)
        self.cls_token_event = nn.Parameter(torch.randn(1, 1, DIM))
        self.cls_token_rgb = nn.Parameter(torch.randn(1, 1, DIM))
        self.pos_embedding = nn.Parameter(torch.randn(1, PATCHES + 2, DIM))
        self.fc1 = nn.Linear(2 * DIM, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, num_classes)

    @property
    def backbone(self) -> ResNet18:
        """The trunk that ImageNet weights go to."""
        return self.resnet_event

    def forward(self, event: Tensor, rgb: Tensor) -> Tensor:
        """Classify pairs of clips.

        Args:
            event: Event frames ``(batch, frames, 1, height, width)`` of any size, uint8 or in
                [0, 1].
            rgb: RGB frames ``(batch, frames, 3, height, width)``, as many.

        Returns:
            Logits ``(batch, classes)``.

        Raises:
            DataError: The clips have other channels or not the same number of frames.
        """
        dtype = self.fc1.weight.dtype
        event_frames, rgb_frames = resnet_frames(event, dtype), resnet_frames(rgb, dtype)
        if event.shape[:2] != rgb.shape[:2]:
            raise DataError(
                f"event and RGB clips differ in number: {tuple(event.shape[:2])} clips and frames "
                f"and {tuple(rgb.shape[:2])}"
            )
        event_tokens = self._tokens(event_frames).unflatten(0, event.shape[:2])
        rgb_tokens = self._tokens(rgb_frames).unflatten(0, rgb.shape[:2])
        event_class = self.cls_token_event.expand(len(event), -1, -1)
        rgb_class = self.cls_token_rgb.expand(len(rgb), -1, -1)
        positions = self.pos_embedding
        for event_frame, rgb_frame in zip(
            event_tokens.unbind(1), rgb_tokens.unbind(1), strict=True
        ):
            event_sequence = torch.cat((event_frame, rgb_class, event_class), 1) + positions
            rgb_sequence = torch.cat((rgb_frame, event_class, rgb_class), 1) + positions
            event_class = self.encoder_event(event_sequence)[:, -1:]
            rgb_class = self.encoder_rgb(rgb_sequence)[:, -1:]
        summary = torch.cat((event_class, rgb_class), -1)[:, 0]
        logits: Tensor = self.fc2(functional.relu(self.fc1(summary)))
        return logits

    def _tokens(self, frames: Tensor) -> Tensor:
        """Make tokens ``(frames, 49, 512)`` of frames ``(frames, 3, 224, 224)``."""
        return self.resnet_event.feature_map(frames).flatten(2).transpose(1, 2)
