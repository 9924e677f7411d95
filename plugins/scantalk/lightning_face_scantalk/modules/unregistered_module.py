"""Talking heads learnt from sequences whose meshes change from frame to frame."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from lightning_face.modules.adam import LearningRateSchedule
from lightning_face_scantalk.losses import (
    METRES,
    Kernel,
    LossUnit,
    chamfer_loss,
    kernel_loss,
    surface_loss,
    varifold_loss,
)
from lightning_face_scantalk.modules.example_heads import example_batch
from lightning_face_scantalk.modules.talking_head_module import TalkingHeadModule

__all__ = ["UnregisteredModule"]


class UnregisteredModule(TalkingHeadModule):
    """ScanTalk in the unregistered setting: the truth of each frame is a mesh of its own.

    Source: Nocentini et al., "Beyond Fixed Topologies: Unregistered Training and Comprehensive
    Evaluation Metrics for 3D Talking Heads" (arXiv 2410.11041), whose losses are those of the
    published development code; ``surface`` is new.

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
        loss: ``chamfer``, the distance of vertices to the nearest ones; ``surface``, their
            distance to the surface, with smooth displacements; ``varifold``, which sees
            orientations; ``kernel``, the varifold as published.
        padded: For ``chamfer``: pad frames with points at the origin, as published.
        smoothness_weight: For ``surface``: weight of the smoothness.
        sigmas: For ``varifold`` and ``kernel``: widths of the kernels in metres; null is 0.01.
        kernel: For ``kernel``: ``gauss_squared`` or ``gibbs``.
        scale_weights: For ``kernel``: weight widths by their squared ratio to the first.
        loss_unit: Unit of length of the loss, ``mm``, or ``m`` as published; ``kernel`` is in
            metres always.
        lr: Learning rate of Adam.
        lr_schedule: ``constant``, as published, or ``cosine`` down to 0 with a warm-up.
        varifold_sigma: Width in metres of the kernel of the varifold distance that tests give;
            null leaves it out: its time grows with the square of the faces.
    """

    _watched = ("chamfer", "chamfer_ratio", "lip_error_ratio", "opening_correlation")
    _watches_surfaces = True

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
        loss: Literal["chamfer", "surface", "varifold", "kernel"] = "chamfer",
        padded: bool = False,
        smoothness_weight: float = 1.0,
        sigmas: list[float] | None = None,
        kernel: Kernel = "gauss_squared",
        scale_weights: bool = False,
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
        faces, target_faces = batch["faces"][index], batch["target_faces"][index]
        targets = batch["targets"][index]
        sigmas = hparams["sigmas"] or [0.01]
        if hparams["loss"] == "kernel":
            squares = kernel_loss(
                *(pred, targets, faces, target_faces, hparams["kernel"], sigmas),
                scale_weights=hparams["scale_weights"],
            )
            return {"loss": squares.mean()}
        units = METRES[hparams["loss_unit"]]
        pred, targets = units * pred, [units * target for target in targets]
        if hparams["loss"] == "chamfer":
            return chamfer_loss(pred, targets, hparams["padded"])
        if hparams["loss"] == "varifold":
            sigmas = [units * sigma for sigma in sigmas]
            return varifold_loss(pred, faces, targets, target_faces, sigmas)
        neutral, weight = units * batch["template"][index], hparams["smoothness_weight"]
        return surface_loss(pred, faces, targets, target_faces, neutral, weight)

    def num_frames(self, batch: dict[str, Any]) -> list[int]:
        """Count the true frames of each sequence."""
        return [len(frames) for frames in batch["targets"]]

    def true_surface(self, batch: dict[str, Any], index: int, frame: int) -> tuple[Tensor, Tensor]:
        """Give the true vertices and faces of a frame."""
        return batch["targets"][index][frame], batch["target_faces"][index][frame]

    def example_batch(self) -> dict[str, Any]:
        """Make a small batch of surfaces of changing structure that every step accepts."""
        return example_batch(unregistered=True)
