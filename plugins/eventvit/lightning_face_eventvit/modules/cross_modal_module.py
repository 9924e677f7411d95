"""Expression coefficients from events, learnt from the synchronised RGB video without labels."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_face.errors import ConfigError
from lightning_face_eventvit.losses import alpha_loss
from lightning_face_eventvit.metrics import AlphaRegressionMetrics, ClassificationMetrics
from lightning_face_eventvit.modules.batch import CHANNELS, Batch, Modality, example_batch
from lightning_face_eventvit.modules.class_names import class_groups
from lightning_face_eventvit.modules.clip_module import ClipModule
from lightning_face_eventvit.modules.clip_picture import draw_tracks
from lightning_face_eventvit.modules.expression_basis import read_expression_basis
from lightning_face_eventvit.modules.optimization import LearningRateSchedule
from lightning_face_eventvit.networks.alpha_regressor import AlphaOutput, AlphaRegressor
from lightning_face_eventvit.networks.frame_encoder import Pool
from lightning_face_eventvit.networks.temporal_position import TemporalPosition
from lightning_face_eventvit.networks.visible_frames import mean_over_frames, visible_frames

__all__ = ["CrossModalModule"]

_ALPHAS = 32


class CrossModalModule(ClipModule):
    """Regression of the 32 expression coefficients that a face model has in every RGB frame.

    Targets are standardised by the mean and deviation of the training clips, which the data
    module has as ``alpha_mean`` and ``alpha_std`` and which are kept with the weights.

    Source: Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal Supervision", ECCV
    2024 workshops (arXiv 2409.10213). The paper's weighting of the terms is not public.

    Args:
        modality: What the network sees, ``event`` or ``rgb``.
        alpha_weight: Weight of the mean squared error of the standardised coefficients.
        ce_weight: Weight of the cross entropy of the actions; 0 trains without labels.
        probe: Learn beside it to read the action off the predicted coefficients with a linear map,
            which the network does not feel, to measure what was learnt without labels.
        basis: ``.npz`` or ``.mat`` file with the expression basis, for the distance of vertices in
            the test; null leaves it out.
        image_size: Side of the largest frame in pixels, or its height and width.
        patch_size: Side of a patch in pixels.
        num_classes: Number of classes.
        dim: Width of a token.
        depth: Blocks of the spatial stage.
        temporal_depth: Blocks over the frames.
        heads: Heads of an attention.
        mlp_dim: Inner width of the feed-forward parts.
        pool: ``cls`` reads the class token of a frame, ``mean`` averages over its tokens.
        dim_head: Width of a head.
        dropout: Dropout inside the blocks.
        emb_dropout: Dropout of the patch tokens.
        temporal_pos: Position code of the frames: ``none``, ``learned``, ``sincos`` or ``rope``.
            Without one a movement that begins looks like one that ends.
        max_frames: Frames of the longest clip, for ``learned`` positions only.
        mask_padding: Hide padding frames from the blocks over frames.
        class_names: Names of the classes in label order; null takes those of the data.
        lr: Learning rate of AdamW.
        weight_decay: Its weight decay.
        no_decay: Keep norms, biases, tokens and temperatures from decaying.
        lr_schedule: ``constant``, or ``cosine`` down to 0 with a warm-up.
        warmup: Part of the run in which a cosine rises.

    Raises:
        ConfigError: A probe is asked for beside a cross entropy that it would compete with.
    """

    alpha_mean: Tensor
    alpha_std: Tensor
    alpha_metrics: AlphaRegressionMetrics
    class_metrics: ClassificationMetrics

    def __init__(
        self,
        modality: Modality = "event",
        alpha_weight: float = 1.0,
        ce_weight: float = 0.0,
        probe: bool = False,
        basis: str | None = None,
        image_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        num_classes: int = 24,
        dim: int = 64,
        depth: int = 4,
        temporal_depth: int = 1,
        heads: int = 4,
        mlp_dim: int = 32,
        pool: Pool = "cls",
        dim_head: int = 64,
        dropout: float = 0.1,
        emb_dropout: float = 0.1,
        temporal_pos: TemporalPosition = "learned",
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
        if probe and ce_weight:
            raise ConfigError(
                "model.probe measures training without labels: set model.ce_weight to 0 or "
                "model.probe to false"
            )
        self.save_hyperparameters()
        self.network = AlphaRegressor(
            image_size=image_size,
            patch_size=patch_size,
            num_alphas=_ALPHAS,
            num_classes=num_classes if ce_weight else 0,
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
        self.probe = nn.Linear(2 * _ALPHAS, num_classes) if probe else None
        self.register_buffer("alpha_mean", torch.zeros(_ALPHAS))
        self.register_buffer("alpha_std", torch.ones(_ALPHAS))

    def start_afresh(self) -> None:
        """Take the mean and deviation of the coefficients from the training data."""
        datamodule: Any = getattr(self.trainer, "datamodule", None)
        if hasattr(datamodule, "alpha_mean"):
            std = torch.as_tensor(datamodule.alpha_std)
            self.alpha_mean.copy_(torch.as_tensor(datamodule.alpha_mean))
            # a coefficient that never moves would be divided by zero
            self.alpha_std.copy_(torch.where(std > 0, std, torch.ones_like(std)))

    def setup(self, stage: str) -> None:
        """Prepare the metrics.

        Raises:
            ConfigError: The data have other sizes or classes.
            DataError: The file of the expression basis cannot be used.
        """
        super().setup(stage)
        path = self.hparams["basis"]
        components = read_expression_basis(path) if path and stage == "test" else None
        self.alpha_metrics = AlphaRegressionMetrics(components)
        names = self.class_names
        self.class_metrics = ClassificationMetrics(names, class_groups(names))

    def forward(self, clip: Tensor, frame_valid: Tensor | None = None) -> Tensor:
        """Compute the coefficients of clips ``(batch, frames, 32)`` on their own scale."""
        return self._raw(self.network(clip, frame_valid))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of a batch, and beside it that of the probe."""
        alphas, scores = self._predict(batch)
        losses = self._losses(batch, alphas, scores)
        self.log_means("train", batch, losses)
        return losses["loss"] + losses.get("probe_loss", 0)

    def on_validation_epoch_start(self) -> None:
        """Forget the clips of the last validation."""
        self._reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the figures of the validation."""
        self._evaluate("val", batch)

    def on_validation_epoch_end(self) -> None:
        """Log a few rows of the table."""
        watched = ("alpha_mse", "r2", "accuracy", "macro_f1", "probe_accuracy")
        rows = self._rows()
        self.log_rows("val", {name: rows[name] for name in watched if name in rows})

    def on_test_epoch_start(self) -> None:
        """Forget the clips of an earlier test."""
        self._reset()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self._evaluate("test", batch)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table, and draw the confusion matrix where classes are told."""
        self.log_rows("test", self._rows())
        if self._classifies:
            self.write_confusion(self.class_metrics)

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Compute the coefficients of a batch.

        Returns:
            ``alphas`` ``(batch, frames, 32)`` on their own scale and, where classes are told,
            ``probabilities`` ``(batch, classes)``, beside what the batch holds.
        """
        alphas, scores = self._predict(batch)
        made = {"alphas": self._raw(alphas)}
        if scores is not None:
            made["probabilities"] = scores.float().softmax(dim=-1)
        return {**batch, **made}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Draw frames of each clip above its fitted and its predicted coefficients."""
        alphas, _ = self._predict(batch)
        return {"frames and coefficients": draw_tracks(batch, self._raw(alphas), self.alpha_std)}

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        hparams = self.hparams
        return example_batch(
            hparams["image_size"], hparams["num_classes"], (hparams["modality"],), alphas=True
        )

    @property
    def _classifies(self) -> bool:
        return self.probe is not None or self.network.to_classes is not None

    def _predict(self, batch: Batch) -> AlphaOutput:
        """Compute standardised coefficients, and scores of the classes where they are told."""
        visible = self.visible(batch)
        output: AlphaOutput = self.network.predict(
            self.clip(batch, self.hparams["modality"]), visible
        )
        if self.probe is None:
            return output
        track, frames = output.alphas.detach().float(), visible_frames(batch["frame_valid"])
        mean = mean_over_frames(track, frames)
        spread = mean_over_frames((track - mean.unsqueeze(1)).abs(), frames)
        return AlphaOutput(output.alphas, self.probe(torch.cat([mean, spread], dim=-1)))

    def _raw(self, alphas: Tensor) -> Tensor:
        return alphas.float() * self.alpha_std + self.alpha_mean

    def _losses(self, batch: Batch, alphas: Tensor, scores: Tensor | None) -> dict[str, Tensor]:
        target = (batch["alpha"] - self.alpha_mean) / self.alpha_std
        error = alpha_loss(alphas, target, self._counted(batch))
        losses = {"loss": self.hparams["alpha_weight"] * error, "alpha_loss": error}
        if scores is not None:
            entropy = cross_entropy(scores.float(), batch["label"])
            if self.probe is not None:
                losses["probe_loss"] = entropy
            else:
                losses["loss"] = losses["loss"] + self.hparams["ce_weight"] * entropy
        return losses

    def _counted(self, batch: Batch) -> Tensor:
        """Frames that are real and had a face ``(batch, frames)``."""
        return batch["alpha_valid"] & batch["frame_valid"]

    def _evaluate(self, split: Literal["val", "test"], batch: Batch) -> None:
        alphas, scores = self._predict(batch)
        self.log_means(split, batch, self._losses(batch, alphas, scores))
        self.alpha_metrics.update(
            self._raw(alphas),
            batch["alpha"],
            self._counted(batch),
            self.alpha_mean,
            self.alpha_std,
        )
        if scores is not None:
            self.class_metrics.update(scores, batch["label"], batch["user"])

    def _rows(self) -> dict[str, Tensor]:
        rows = self.alpha_metrics.compute()
        if self._classifies:
            prefix = "" if self.probe is None else "probe_"
            rows |= {f"{prefix}{name}": row for name, row in self.class_metrics.compute().items()}
        return rows

    def _reset(self) -> None:
        self.alpha_metrics.reset()
        self.class_metrics.reset()
