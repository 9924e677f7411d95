"""What both ways of training a talking head have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, Literal, cast

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_face.audio import SpeechEncoder
from lightning_face.modules import FaceModule
from lightning_face.modules.adam import configure_adam
from lightning_face_scantalk.data.layout import find_layout
from lightning_face_scantalk.modules.device_operators import DeviceOperators
from lightning_face_scantalk.modules.head_pictures import draw_heads
from lightning_face_scantalk.modules.head_table import HeadTable
from lightning_face_scantalk.networks.scantalk import ScanTalk
from lightning_face_scantalk.prediction_writer import TalkingHeadVideos

__all__ = ["TalkingHeadModule"]

HeadBatch = dict[str, Any]


class TalkingHeadModule(FaceModule):
    """Network, optimiser, logging and evaluation of a talking head.

    A subclass keeps its arguments as hyperparameters, among them those that `build_network` and
    `configure_optimizers` read, and says in `sequence_loss` what is to be minimised.
    """

    network: ScanTalk
    table: HeadTable
    _watched: tuple[str, ...]
    _watches_surfaces: bool
    _has_weights = False

    @abstractmethod
    def sequence_loss(self, pred: Tensor, batch: HeadBatch, index: int) -> dict[str, Tensor]:
        """Compare a sequence with its truth.

        Args:
            pred: Predicted positions in metres ``(frames, vertices, 3)``.
            batch: The batch that the sequence is part of.
            index: Its place in the batch.

        Returns:
            Scalars by name, among them ``loss``.
        """

    @abstractmethod
    def num_frames(self, batch: HeadBatch) -> list[int]:
        """Count the true frames of each sequence."""

    @abstractmethod
    def true_surface(self, batch: HeadBatch, index: int, frame: int) -> tuple[Tensor, Tensor]:
        """Give the true vertices and faces of a frame, for its picture."""

    def build_network(self) -> ScanTalk:
        """Build the network of the hyperparameters, with random weights."""
        hparams = self.hparams
        encoder = SpeechEncoder(
            hparams["speech_config"],
            hparams["speech_architecture"],
            hparams["freeze_feature_extractor"],
        )
        return ScanTalk(
            encoder,
            latent_channels=hparams["latent_channels"],
            lstm_layers=hparams["lstm_layers"],
            num_blocks=hparams["num_blocks"],
            gradient_checkpointing=hparams["gradient_checkpointing"],
        )

    def setup(self, stage: str) -> None:
        """Prepare the table of metrics.

        Raises:
            ConfigError: The data have other sizes.
        """
        super().setup(stage)
        datasets = getattr(getattr(self.trainer, "datamodule", None), "datasets", [])
        names = [find_layout(dataset).name for dataset in datasets]
        # so slow a row is for the test alone
        sigma = self.hparams["varifold_sigma"] if stage == "test" else None
        self.table = HeadTable(names, sigma)

    def on_fit_start(self) -> None:
        """Read the weights of the speech encoder, unless there are weights to go on from.

        Raises:
            WeightsError: They are missing or those of another network.
        """
        source = self.hparams["speech_weights"]
        if not self._has_weights and source is None:
            rank_zero_info(
                "model.speech_weights is null: the speech encoder starts from random weights, "
                "which is good for trying things out only"
            )
        elif not self._has_weights:
            self.network.audio_encoder.load_pretrained(source)
        self._has_weights = True

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights, as `torch.nn.Module.load_state_dict` does."""
        self._has_weights = True
        return super().load_state_dict(*args, **kwargs)

    def forward(self, batch: HeadBatch) -> list[Tensor]:
        """Animate the heads of a batch for as many frames as the truth has.

        Returns:
            Positions in metres, ``(frames, vertices, 3)`` for each sequence.
        """
        operators = [self._operators(each) for each in batch["operators"]]
        return self.network.forward_batch(
            batch["waveform"], batch["template"], operators, self.num_frames(batch)
        )

    def on_train_batch_start(self, batch: HeadBatch, batch_idx: int) -> None:
        """Let all processes leave out the same layers of the speech encoder."""
        self.network.audio_encoder.begin_step(self.global_step)

    def training_step(self, batch: HeadBatch, batch_idx: int) -> Tensor:
        """Compute the mean loss of the sequences of a batch."""
        return self._losses("train", batch, self(batch))["loss"]

    def on_validation_epoch_start(self) -> None:
        """Forget the sequences of the last validation."""
        self.table.reset()

    def validation_step(self, batch: HeadBatch, batch_idx: int) -> None:
        """Add a batch to the figures of the validation."""
        self._evaluate("val", batch)

    def on_validation_epoch_end(self) -> None:
        """Log a few rows of the table."""
        rows = self.table.compute()
        self._log_rows("val", {name: rows[name] for name in self._watched if name in rows})

    def on_test_epoch_start(self) -> None:
        """Forget the sequences of an earlier test."""
        self.table.reset()

    def test_step(self, batch: HeadBatch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self._evaluate("test", batch)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_rows("test", self.table.compute())

    def predict_step(self, batch: HeadBatch, batch_idx: int) -> dict[str, Any]:
        """Animate the heads of a batch for as long as their speech lasts.

        Returns:
            ``predicted``, positions in metres ``(frames, vertices, 3)`` for each sequence, beside
            what the batch holds.
        """
        operators = map(self._operators, batch["operators"])
        parts = zip(batch["waveform"], batch["template"], operators, batch["fps"], strict=True)
        return {**batch, "predicted": [self.network.predict(*part) for part in parts]}

    def sample_images(self, batch: HeadBatch) -> dict[str, Tensor]:
        """Draw four frames of each sequence, see `draw_heads`."""
        return draw_heads(self(batch), batch, self.true_surface)

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as videos, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, TalkingHeadVideos) for each in callbacks)
        return [] if given else [TalkingHeadVideos()]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Set up Adam and the learning-rate schedule, counted in optimiser steps.

        Source: the published training: Adam, constant learning rate, no weight decay.
        """
        schedule = self.hparams["lr_schedule"]
        # counting steps makes the loaders, which a constant rate has no need of yet
        steps = math.inf if schedule == "constant" else self.trainer.estimated_stepping_batches
        return configure_adam(self, self.hparams["lr"], schedule, steps)

    def _losses(
        self, split: Literal["train", "val", "test"], batch: HeadBatch, preds: list[Tensor]
    ) -> dict[str, Tensor]:
        each = [self.sequence_loss(pred, batch, index) for index, pred in enumerate(preds)]
        means = {name: torch.stack([terms[name] for terms in each]).mean() for name in each[0]}
        logged = {f"{split}/{name}": value.detach() for name, value in means.items()}
        self.log_dict(logged, batch_size=len(preds), sync_dist=True)
        return means

    def _evaluate(self, split: Literal["val", "test"], batch: HeadBatch) -> None:
        preds = self(batch)
        self._losses(split, batch, preds)
        for index, pred in enumerate(preds):
            self.table.update(pred, batch, index, split == "test" or self._watches_surfaces)

    def _log_rows(self, split: Literal["val", "test"], rows: dict[str, Tensor]) -> None:
        self.log_dict({f"{split}/{name}": row for name, row in rows.items()}, sync_dist=True)

    @property
    def _operators(self) -> DeviceOperators:
        # not of the constructor: what belongs to a run is not copied with the model
        kept = self.__dict__.setdefault("_device_operators", DeviceOperators())
        return cast("DeviceOperators", kept)
