"""Recognition of actions in clips of one modality."""

from __future__ import annotations

from torch import Tensor

from lightning_face_eventvit.modules.batch import CHANNELS, Batch, Modality, example_batch
from lightning_face_eventvit.modules.classification_module import ClassificationModule
from lightning_face_eventvit.modules.optimization import LearningRateSchedule
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.frame_encoder import Pool
from lightning_face_eventvit.networks.temporal_position import TemporalPosition

__all__ = ["EventViTModule"]


class EventViTModule(ClassificationModule):
    """Facial Action Units from clips of an event camera, or from RGB clips.

    Source: Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal Supervision", ECCV
    2024 workshops (arXiv 2409.10213). The network has the published sizes; the published training
    had a constant learning rate, decay on all parameters and no mask of the padding.

    Args:
        modality: What the network sees: ``event`` with one channel, ``rgb`` with three.
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        num_classes: Number of classes.
        dim: Width of a token.
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
    """

    def __init__(
        self,
        modality: Modality = "event",
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
        self.network = EventViT(
            image_size=image_size,
            patch_size=patch_size,
            num_classes=num_classes,
            dim=dim,
            depth=depth,
            temporal_depth=temporal_depth,
            heads=heads,
            mlp_dim=mlp_dim,
            pool=pool,
            channels=CHANNELS[modality],
            dim_head=dim_head,
            dropout=dropout,
            emb_dropout=emb_dropout,
            temporal_pos=temporal_pos,
            max_frames=max_frames,
        )

    def forward(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Compute class scores ``(batch, classes)`` of clips, see `EventViT`."""
        return self.network(clip, frame_valid)

    def class_scores(self, batch: Batch) -> Tensor:
        """Compute the scores of a batch of clips: ``(batch, classes)``."""
        return self.network(self.clip(batch, self.hparams["modality"]), self.visible(batch))

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        hparams = self.hparams
        return example_batch(hparams["image_size"], hparams["num_classes"], (hparams["modality"],))
