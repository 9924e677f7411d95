"""Recognition of actions with a second modality that is there in training only."""

from __future__ import annotations

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lightning_face_eventvit.losses import privileged_loss
from lightning_face_eventvit.modules.batch import Batch, Modality, example_batch
from lightning_face_eventvit.modules.optimization import LearningRateSchedule
from lightning_face_eventvit.modules.pretrained_streams import PretrainedStreams
from lightning_face_eventvit.networks.frame_encoder import FrameEncoder, Pool
from lightning_face_eventvit.networks.fusion import FusionOutput, PrivilegedFusion
from lightning_face_eventvit.networks.temporal_position import TemporalPosition

__all__ = ["PrivilegedModule"]


class PrivilegedModule(PretrainedStreams):
    """Facial Action Units from one modality, having learnt to imagine the other.

    A frozen network sees the privileged modality; a second network on the modality at hand learns
    to give the same features. The loss is the cross entropy plus ``pi_mse``, the mean squared
    error of the features. Tests and predictions need no clips of the privileged modality; without
    them ``pi_mse`` is missing.

    Source: Cultrera et al., "Spatio-temporal Transformers for Action Unit Classification with
    Event Cameras" (arXiv 2410.21958), with the loss of the published code. All three networks
    start from published classifiers there.

    Args:
        privileged: The modality that is there in training only, ``rgb`` or ``event``.
        privileged_dropout: Let dropout disturb the privileged features, as published.
        event_weights: Weights that the networks on events start from, a published file or a
            folder of exported weights; null starts from random ones.
        rgb_weights: The same for the networks on RGB.
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
        privileged: Modality = "rgb",
        privileged_dropout: bool = False,
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
        self.network = PrivilegedFusion(
            privileged,
            num_classes,
            privileged_dropout=privileged_dropout,
            image_size=image_size,
            patch_size=patch_size,
            dim=dim,
            depth=depth,
            temporal_depth=temporal_depth,
            heads=heads,
            mlp_dim=mlp_dim,
            pool=pool,
            dim_head=dim_head,
            dropout=dropout,
            emb_dropout=emb_dropout,
            temporal_pos=temporal_pos,
            max_frames=max_frames,
        )

    @property
    def kept(self) -> Modality:
        """The modality that is there in use too."""
        return "event" if self.hparams["privileged"] == "rgb" else "rgb"

    def stream_weights(self) -> list[tuple[FrameEncoder, str | None]]:
        """Give each network and the file to start it from."""
        hparams = self.hparams
        kept, privileged = (
            hparams[f"{name}_weights"] for name in (self.kept, hparams["privileged"])
        )
        if privileged is None:
            rank_zero_info(
                f"model.{hparams['privileged']}_weights is null: the features to imitate are those "
                "of a random network, which is good for trying things out only"
            )
        return [
            (self.network.original, kept),
            (self.network.hallucination, kept),
            (self.network.privileged, privileged),
        ]

    def forward(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Compute class scores ``(batch, classes)`` of clips of the modality at hand."""
        return self.network.predict(clip, frame_valid)

    def class_scores(self, batch: Batch) -> Tensor:
        """Compute the scores of a batch without its privileged clips: ``(batch, classes)``."""
        return self.network.predict(self.clip(batch, self.kept), self.visible(batch))

    def losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the scores of a batch and the terms of the loss."""
        if self.hparams["privileged"] not in batch and not self.training:
            return super().losses(batch)
        event, rgb = self.clip(batch, "event"), self.clip(batch, "rgb")
        output: FusionOutput = self.network(event, rgb, self.visible(batch))
        terms = privileged_loss(
            output.logits, batch["label"], output.hallucinated, output.privileged
        )
        return output.logits, {"loss": terms["total"], "pi_mse": terms["pi_mse"]}

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        hparams = self.hparams
        return example_batch(hparams["image_size"], hparams["num_classes"], ("event", "rgb"))
