"""Recognition of actions in synchronised event and RGB clips."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_eventvit.modules.batch import Batch, example_batch
from lightning_face_eventvit.modules.optimization import LearningRateSchedule
from lightning_face_eventvit.modules.pretrained_streams import PretrainedStreams
from lightning_face_eventvit.networks.frame_encoder import FrameEncoder, Pool
from lightning_face_eventvit.networks.fusion import (
    EarlyFusion,
    FusionOutput,
    LateFusion,
    MiddleFusion,
)
from lightning_face_eventvit.networks.temporal_position import TemporalPosition

__all__ = ["FusionModule"]


class FusionModule(PretrainedStreams):
    """Facial Action Units from events and RGB together.

    Source: Cultrera et al., "Spatio-temporal Transformers for Action Unit Classification with
    Event Cameras" (arXiv 2410.21958). The published training starts both streams of the middle
    fusion from the classifiers of one modality; its early fusion takes the features themselves
    for scores.

    Args:
        fusion: Where both modalities meet: ``early`` in the channels of a frame, ``middle`` in
            the tokens of a frame, ``late`` in the features of a clip.
        early_head: For ``early``: ``linear`` classifies the features; ``features``, as published,
            takes all of them for scores, of which only the first have a class.
        event_weights: Weights that the event stream starts from, a published file or a folder of
            exported weights; null starts from random ones.
        rgb_weights: The same for the RGB stream.
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        num_classes: Number of classes.
        dim: Width of a token of one stream.
        depth: Blocks of the spatial stage.
        temporal_depth: Blocks of the temporal stage.
        heads: Heads of an attention.
        mlp_dim: Inner width of the feed-forward parts.
        pool: ``cls`` reads the class tokens, ``mean`` averages over tokens.
        dim_head: Width of a head.
        dropout: Dropout inside the blocks.
        emb_dropout: Dropout of the patch tokens.
        temporal_pos: Position code of the frames: ``none``, as published, ``learned``,
            ``sincos`` or ``rope``.
        max_frames: Frames of the longest clip, for ``learned`` positions only.
        mask_padding: Hide padding frames from the temporal stage; the published network sees them.
        class_names: Names of the classes in label order; null takes those of the data.
        lr: Learning rate of AdamW.
        weight_decay: Its weight decay.
        no_decay: Keep norms, biases, tokens and temperatures from decaying.
        lr_schedule: ``constant``, as published, or ``cosine`` down to 0 with a warm-up.
        warmup: Part of the run in which a cosine rises.

    Raises:
        ConfigError: Weights of one stream are given for the early fusion, which has none.
    """

    network: EarlyFusion | MiddleFusion | LateFusion

    def __init__(
        self,
        fusion: Literal["early", "middle", "late"] = "late",
        early_head: Literal["linear", "features"] = "linear",
        event_weights: str | None = None,
        rgb_weights: str | None = None,
        image_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        num_classes: int = 24,
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
        mask_padding: bool = True,
        class_names: list[str] | None = None,
        lr: float = 1e-4,
        weight_decay: float = 1e-3,
        no_decay: bool = True,
        lr_schedule: LearningRateSchedule = "cosine",
        warmup: float = 0.05,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        settings: dict[str, Any] = {
            "image_size": image_size,
            "patch_size": patch_size,
            "dim": dim,
            "depth": depth,
            "temporal_depth": temporal_depth,
            "heads": heads,
            "mlp_dim": mlp_dim,
            "pool": pool,
            "dim_head": dim_head,
            "dropout": dropout,
            "emb_dropout": emb_dropout,
            "temporal_pos": temporal_pos,
            "max_frames": max_frames,
        }
        if fusion == "early":
            if event_weights or rgb_weights:
                raise ConfigError(
                    "early fusion has no stream of one modality: leave model.event_weights and "
                    "model.rgb_weights out"
                )
            self.network = EarlyFusion(num_classes, head=early_head, **settings)
        elif fusion == "middle":
            self.network = MiddleFusion(num_classes, **settings)
        else:
            self.network = LateFusion(num_classes, **settings)

    @property
    def num_scores(self) -> int:
        """Scores of a clip: one for each class, or all features of the published early fusion."""
        features = self.hparams["fusion"] == "early" and self.hparams["early_head"] == "features"
        return int(self.hparams["dim" if features else "num_classes"])

    def stream_weights(self) -> list[tuple[FrameEncoder, str | None]]:
        """Give each stream and the file to start it from."""
        if isinstance(self.network, EarlyFusion):
            return []
        return [
            (self.network.event, self.hparams["event_weights"]),
            (self.network.rgb, self.hparams["rgb_weights"]),
        ]

    def forward(
        self, event: Tensor, rgb: Tensor, frame_valid: Tensor | None = None
    ) -> FusionOutput:
        """Classify pairs of clips, see `LateFusion`."""
        return self.network(event, rgb, frame_valid)

    def class_scores(self, batch: Batch) -> Tensor:
        """Compute the scores of a batch of clips: ``(batch, scores)``."""
        event, rgb = self.clip(batch, "event"), self.clip(batch, "rgb")
        output: FusionOutput = self.network(event, rgb, self.visible(batch))
        return output.logits

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        hparams = self.hparams
        return example_batch(hparams["image_size"], hparams["num_classes"], ("event", "rgb"))
