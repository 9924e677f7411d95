"""Per-frame transformer whose tokens a decoder collects in a memory."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.baselines.clip import (
    check_clip,
    prepare_frames,
    resize_frames,
)
from lightning_face_eventvit.networks.baselines.patch_embedding import PatchEmbedding
from lightning_face_eventvit.networks.transformer import TemporalTransformer

__all__ = ["EncoderDecoder"]

IMAGE_SIZE = 224
HEADS = 4
DIM_HEAD = 64
ENCODER_DROPOUT = 0.2


class EncoderDecoder(nn.Module):
    """Classify clips by the class token of a memory that every frame updates.

    Frames are resized to 224x224 and encoded one by one. The memory starts as a class token and
    the tokens of the first frame; for each further frame the positions are added to it and a
    decoder layer lets it attend to that frame. The class tokens of all steps make the decision,
    so the number of frames is fixed.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``ModelEncoderDecoder``.

    Args:
        num_classes: Number of classes.
        num_frames: Length of every clip.
        dim: Features of a token, a multiple of 4.
        mlp_dim: Hidden units of the feed-forward networks.
        patch_size: Height and width of a patch in pixels, a divisor of 224.
        channels: Channels of a frame, 1 for events and 3 for RGB.

    Raises:
        ConfigError: The patch does not divide the frame, or the heads not the features.
    """

    inputs: ClassVar[tuple[str, ...]] = ("clip",)

    def __init__(
        self,
        num_classes: int = 24,
        num_frames: int = 50,
        dim: int = 64,
        mlp_dim: int = 128,
        patch_size: int = 56,
        channels: int = 1,
    ) -> None:
        super().__init__()
        if patch_size <= 0 or IMAGE_SIZE % patch_size:
            raise ConfigError(
                f"frames are resized to {IMAGE_SIZE} pixels, of which a patch_size of {patch_size} "
                "is no divisor: use 16, 28, 32 or 56"
            )
        if dim <= 0 or dim % HEADS:
            raise ConfigError(f"the decoder has {HEADS} heads: dim {dim} is no multiple of it")
        self.num_frames = num_frames
        self.channels = channels
        self.cls_token_decoder = nn.Parameter(torch.randn(1, 1, dim))
        patches = (IMAGE_SIZE // patch_size) ** 2
        self.pos_embedding = nn.Parameter(torch.randn(1, patches + 1, dim))
        self.encoder = _FrameEncoder(dim, mlp_dim, patch_size, channels)
        layer = nn.TransformerDecoderLayer(dim, HEADS, mlp_dim, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, 1)
        self.fc1 = nn.Linear(dim * num_frames, num_classes)

    def forward(self, clip: Tensor) -> Tensor:
        """Classify clips.

        Args:
            clip: Frames ``(batch, frames, channels, height, width)`` of any size, uint8 or in
                [0, 1].

        Returns:
            Logits ``(batch, classes)``.

        Raises:
            DataError: The clip has another length or other channels.
        """
        check_clip(clip, self.channels, type(self).__name__)
        if clip.shape[1] != self.num_frames:
            raise DataError(
                f"EncoderDecoder was built for clips of {self.num_frames} frames and got "
                f"{clip.shape[1]}: change num_frames of the data or of the network"
            )
        frames = prepare_frames(resize_frames(clip, IMAGE_SIZE), self.fc1.weight.dtype)
        tokens = self.encoder(frames.flatten(0, 1)).unflatten(0, clip.shape[:2])
        class_token = self.cls_token_decoder.expand(len(clip), -1, -1)
        memory = torch.cat((class_token, tokens[:, 0]), 1)
        tokens = tokens + self.pos_embedding[:, : tokens.shape[2]]
        summaries = [memory[:, 0]]
        for frame in tokens[:, 1:].unbind(1):
            memory = self.decoder(memory + self.pos_embedding, frame)
            summaries.append(memory[:, 0])
        logits: Tensor = self.fc1(torch.cat(summaries, 1))
        return logits


class _FrameEncoder(nn.Module):
    """A transformer of one block over the patches of a frame, without a class token."""

    def __init__(self, dim: int, mlp_dim: int, patch_size: int, channels: int) -> None:
        super().__init__()
        # the last row belongs to a class token that published checkpoints leave room for
        self.pos_embedding = nn.Parameter(torch.randn(1, (IMAGE_SIZE // patch_size) ** 2 + 1, dim))
        self.to_patch_embedding = PatchEmbedding(dim, patch_size, channels)
        self.dropout = nn.Dropout(ENCODER_DROPOUT)
        self.transformer = TemporalTransformer(dim, 1, HEADS, DIM_HEAD, mlp_dim, ENCODER_DROPOUT)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames ``(frames, channels, 224, 224)`` as ``(frames, patches, dim)``."""
        tokens = self.to_patch_embedding(frames[:, None])[:, 0]
        encoded: Tensor = self.transformer(
            self.dropout(tokens + self.pos_embedding[:, : tokens.shape[1]])
        )
        return encoded
