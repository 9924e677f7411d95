"""Networks that see events and RGB, or learn from one to do without the other."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.frame_encoder import FrameEncoder, Pool
from lightning_face_eventvit.networks.temporal_position import TemporalPosition
from lightning_face_eventvit.networks.temporal_stage import TemporalStage

__all__ = ["EarlyFusion", "FusionOutput", "LateFusion", "MiddleFusion", "PrivilegedFusion"]

# width between the two maps of the head that joins two streams, whatever the streams' width
JOINT_WIDTH = 128
JOINT_DROPOUT = 0.3


class FusionOutput(NamedTuple):
    """What a fusion network computes.

    Attributes:
        logits: Class scores ``(batch, classes)``.
        privileged: Features ``(batch, dim)`` of the privileged modality; RGB in late fusion.
        hallucinated: Features ``(batch, dim)`` that imitate these, made from the other modality.
        original: Features ``(batch, dim)`` of that other modality; events in late fusion.
    """

    logits: Tensor
    privileged: Tensor | None = None
    hallucinated: Tensor | None = None
    original: Tensor | None = None


class LateFusion(nn.Module):
    """One network for each modality; their features are joined.

    Args:
        num_classes: Number of classes.
        event_channels: Channels of an event frame.
        rgb_channels: Channels of an RGB frame.
        **settings: The other settings of both networks, see `EventViT`.
    """

    def __init__(
        self,
        num_classes: int = 24,
        event_channels: int = 1,
        rgb_channels: int = 3,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__()
        self.event = EventViT(num_classes=0, channels=event_channels, **settings)
        self.rgb = EventViT(num_classes=0, channels=rgb_channels, **settings)
        self.fc = _joint_head(self.event, num_classes)

    def forward(
        self, event: Tensor, rgb: Tensor, frame_valid: Tensor | None = None
    ) -> FusionOutput:
        """Classify clips.

        Args:
            event: Event frames ``(batch, frames, channels, height, width)``, see `EventViT`.
            rgb: RGB frames of the same moments.
            frame_valid: False for padding, bool ``(batch, frames)``.
        """
        original = self.event.features(event, frame_valid)
        other = self.rgb.features(rgb, frame_valid)
        logits = self.fc(torch.cat([original, other], dim=-1))
        return FusionOutput(logits, privileged=other, original=original)


class EarlyFusion(nn.Module):
    """One network over the channels of both modalities, the event channel first.

    Args:
        num_classes: Number of classes.
        event_channels: Channels of an event frame.
        rgb_channels: Channels of an RGB frame.
        head: ``"linear"`` classifies the features; ``"features"`` takes the first of the features
            themselves for class scores, as the published training did.
        **settings: The other settings of the network, see `EventViT`.

    Raises:
        ConfigError: There is no such head.
    """

    def __init__(
        self,
        num_classes: int = 24,
        event_channels: int = 1,
        rgb_channels: int = 3,
        head: Literal["linear", "features"] = "linear",
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__()
        if head not in ("linear", "features"):
            msg = f"head is linear or features, not {head!r}"
            raise ConfigError(msg)
        self.vit = EventViT(
            num_classes=num_classes if head == "linear" else 0,
            channels=event_channels + rgb_channels,
            **settings,
        )

    def forward(
        self, event: Tensor, rgb: Tensor, frame_valid: Tensor | None = None
    ) -> FusionOutput:
        """Classify clips, see `LateFusion.forward`.

        Returns:
            Class scores ``(batch, classes)``, with the head ``"features"`` ``(batch, dim)``.

        Raises:
            DataError: One clip holds bytes and the other floats.
        """
        if event.dtype != rgb.dtype:
            msg = f"event frames are {event.dtype} and RGB frames {rgb.dtype}: give both alike"
            raise DataError(msg)
        return FusionOutput(self.vit(torch.cat([event, rgb], dim=2), frame_valid))


class MiddleFusion(TemporalStage):
    """A spatial stage for each modality; the temporal stage sees the tokens of both, RGB first.

    Args:
        num_classes: Number of classes.
        event_channels: Channels of an event frame.
        rgb_channels: Channels of an RGB frame.
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        dim: Width of a token of one modality; the temporal stage has twice that.
        depth: Number of spatial blocks.
        temporal_depth: Number of temporal blocks.
        heads: Number of heads.
        mlp_dim: Inner width of the feed-forward parts.
        pool: ``"cls"`` reads class tokens out, ``"mean"`` the mean over tokens, in both stages.
        dim_head: Width of a head.
        dropout: Probability to drop a value inside a block.
        emb_dropout: Probability to drop a value of a frame's tokens before the first block.
        temporal_pos: What tells frames apart in time, see `EventViT`.
        max_frames: Frames of the longest clip, needed by ``"learned"`` positions only.
    """

    def __init__(
        self,
        num_classes: int = 24,
        event_channels: int = 1,
        rgb_channels: int = 3,
        image_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        dim: int = 64,
        depth: int = 4,
        temporal_depth: int = 4,
        heads: int = 4,
        mlp_dim: int = 32,
        pool: Pool = "cls",
        dim_head: int = 64,
        dropout: float = 0.1,
        emb_dropout: float = 0.1,
        temporal_pos: TemporalPosition = "none",
        max_frames: int = 50,
    ) -> None:
        super().__init__()
        self.event, self.rgb = (
            FrameEncoder(
                image_size,
                patch_size,
                dim,
                depth,
                heads,
                mlp_dim,
                pool,
                channels,
                dim_head,
                dropout,
                emb_dropout,
            )
            for channels in (event_channels, rgb_channels)
        )
        self.add_temporal_stage(
            num_classes,
            2 * dim,
            temporal_depth,
            heads,
            mlp_dim,
            pool,
            dim_head,
            dropout,
            temporal_pos,
            max_frames,
        )

    def forward(
        self, event: Tensor, rgb: Tensor, frame_valid: Tensor | None = None
    ) -> FusionOutput:
        """Classify clips, see `LateFusion.forward`."""
        both = [self.rgb(rgb, frame_valid), self.event(event, frame_valid)]
        features = self.temporal_features(torch.cat(both, dim=-1), frame_valid)
        return FusionOutput(self.head(features))


class PrivilegedFusion(nn.Module):
    """One modality, beside a second network on it that has learnt to imitate the other modality.

    The privileged network is frozen: it has no gradients and, unless told otherwise, no dropout.

    Args:
        privileged: The modality that is there in training only.
        num_classes: Number of classes.
        event_channels: Channels of an event frame.
        rgb_channels: Channels of an RGB frame.
        privileged_dropout: Let dropout disturb the privileged features in training, as the
            published training did.
        **settings: The other settings of all three networks, see `EventViT`.

    Raises:
        ConfigError: There is no such modality.
    """

    def __init__(
        self,
        privileged: Literal["rgb", "event"] = "rgb",
        num_classes: int = 24,
        event_channels: int = 1,
        rgb_channels: int = 3,
        privileged_dropout: bool = False,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__()
        if privileged not in ("rgb", "event"):
            msg = f"privileged is rgb or event, not {privileged!r}"
            raise ConfigError(msg)
        self.privileged_modality = privileged
        self.privileged_dropout = privileged_dropout
        kept, dropped = event_channels, rgb_channels
        if privileged == "event":
            kept, dropped = dropped, kept
        self.original = EventViT(num_classes=0, channels=kept, **settings)
        self.hallucination = EventViT(num_classes=0, channels=kept, **settings)
        self.privileged = EventViT(num_classes=0, channels=dropped, **settings)
        self.fc = _joint_head(self.original, num_classes)
        self.privileged.requires_grad_(False)

    def train(self, mode: bool = True) -> PrivilegedFusion:
        """Set the mode of all parts but the privileged network, which stays in evaluation."""
        super().train(mode)
        if not self.privileged_dropout:
            self.privileged.eval()
        return self

    def forward(
        self, event: Tensor, rgb: Tensor, frame_valid: Tensor | None = None
    ) -> FusionOutput:
        """Classify clips and compute what the training compares, see `LateFusion.forward`."""
        kept, dropped = (event, rgb) if self.privileged_modality == "rgb" else (rgb, event)
        with torch.no_grad():
            privileged = self.privileged.features(dropped, frame_valid)
        return self._join(kept, frame_valid)._replace(privileged=privileged)

    def predict(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Classify clips of the modality that is not privileged: ``(batch, classes)``."""
        return self._join(clip, frame_valid).logits

    def _join(self, clip: Tensor, frame_valid: Tensor | None) -> FusionOutput:
        original = self.original.features(clip, frame_valid)
        hallucinated = self.hallucination.features(clip, frame_valid)
        logits = self.fc(torch.cat([original, hallucinated], dim=-1))
        return FusionOutput(logits, hallucinated=hallucinated, original=original)


def _joint_head(stream: EventViT, num_classes: int) -> nn.Sequential:
    width = stream.pos_embedding.shape[-1]
    return nn.Sequential(
        nn.Linear(2 * width, JOINT_WIDTH),
        nn.ReLU(),
        nn.Dropout(JOINT_DROPOUT),
        nn.Linear(JOINT_WIDTH, num_classes),
    )
