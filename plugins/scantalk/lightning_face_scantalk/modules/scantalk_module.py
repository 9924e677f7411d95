"""Talking heads learnt from sequences whose vertices correspond."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from lightning_face.modules.adam import LearningRateSchedule
from lightning_face_scantalk.losses import (
    METRES,
    LossUnit,
    VelocityAxis,
    masked_loss,
    squared_error_loss,
    weighted_loss,
)
from lightning_face_scantalk.modules.example_heads import example_batch
from lightning_face_scantalk.modules.talking_head_module import TalkingHeadModule

__all__ = ["ScanTalkModule"]


class ScanTalkModule(TalkingHeadModule):
    """ScanTalk in the registered setting: each sequence is of one topology, any from another.

    Defaults are those of the published training, but for the unit of the loss: in square metres
    gradients are as small as what Adam adds to its denominator.

    Source: Nocentini et al., "ScanTalk: 3D Talking Heads from Unregistered Scans", ECCV 2024
    (arXiv 2403.10942).

    Args:
        latent_channels: Width of the features of vertices and of frames; even.
        lstm_layers: Layers of the recurrent network over frames.
        num_blocks: Blocks of the encoder and of the decoder of meshes.
        gradient_checkpointing: Compute activations again in the backward pass, in less memory.
        speech_config: Settings of the speech encoder that differ from the defaults of the
            ``transformers`` library, whose sizes are those of the published base network.
        speech_architecture: Family of the speech encoder.
        freeze_feature_extractor: Leave the convolutions on the waveform as they are loaded.
        speech_weights: Weights that the speech encoder starts from: a folder, a file or a name
            of the Hugging Face hub that was downloaded before; null starts from random ones.
        loss: ``mse``; ``masked``, which counts lips and velocities besides; ``weighted``, which
            has weights and the directions of displacements too.
        velocity_axis: For ``masked``: velocities along ``time``, or along the numbers of the
            vertices as published, ``vertex``.
        rec_weight: For ``weighted``: weight of the squared error of all vertices.
        mouth_weight: For ``weighted``: weight of the squared error of the lips.
        velocity_weight: For ``weighted``: weight of the squared error of velocities.
        cosine_weight: For ``weighted``: weight of one minus the cosine of displacements.
        loss_unit: Unit of length of the loss, ``mm``, or ``m`` as published.
        lr: Learning rate of Adam.
        lr_schedule: ``constant``, as published, or ``cosine`` down to 0 with a warm-up.
        varifold_sigma: Width in metres of the kernel of the varifold distance that tests give;
            null leaves it out: its time grows with the square of the faces.
    """

    _watched = ("lve", "mve", "fdd", "opening_correlation", "lip_error", "lip_error_ratio")
    _watches_surfaces = False

    def __init__(
        self,
        latent_channels: int = 32,
        lstm_layers: int = 3,
        num_blocks: int = 4,
        gradient_checkpointing: bool = False,
        speech_config: dict[str, Any] | None = None,
        speech_architecture: Literal["hubert", "wav2vec2", "wavlm"] = "hubert",
        freeze_feature_extractor: bool = True,
        speech_weights: str | None = None,
        loss: Literal["mse", "masked", "weighted"] = "mse",
        velocity_axis: VelocityAxis = "time",
        rec_weight: float = 1.0,
        mouth_weight: float = 5.0,
        velocity_weight: float = 10.0,
        cosine_weight: float = 1e-4,
        loss_unit: LossUnit = "mm",
        lr: float = 1e-4,
        lr_schedule: LearningRateSchedule = "constant",
        varifold_sigma: float | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = self.build_network()

    def sequence_loss(self, pred: Tensor, batch: dict[str, Any], index: int) -> dict[str, Tensor]:
        """Compare a sequence with its truth by the loss of the settings."""
        hparams = self.hparams
        units = METRES[hparams["loss_unit"]]
        pred, target = units * pred, units * batch["vertices"][index]
        lips = batch["lips"][index]
        if hparams["loss"] == "mse":
            return squared_error_loss(pred, target)
        if hparams["loss"] == "masked":
            return masked_loss(pred, target, lips, hparams["velocity_axis"])
        return weighted_loss(
            pred,
            target,
            units * batch["template"][index],
            lips,
            hparams["rec_weight"],
            hparams["mouth_weight"],
            hparams["velocity_weight"],
            hparams["cosine_weight"],
        )

    def num_frames(self, batch: dict[str, Any]) -> list[int]:
        """Count the true frames of each sequence."""
        return [len(vertices) for vertices in batch["vertices"]]

    def true_surface(self, batch: dict[str, Any], index: int, frame: int) -> tuple[Tensor, Tensor]:
        """Give the true vertices and faces of a frame."""
        return batch["vertices"][index][frame], batch["faces"][index]

    def example_batch(self) -> dict[str, Any]:
        """Make a small batch of two topologies that every step accepts."""
        return example_batch()
