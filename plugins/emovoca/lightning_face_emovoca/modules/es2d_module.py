"""Landmarks to dense meshes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from lightning_face.modules.adam import LearningRateSchedule
from lightning_face_emovoca.data.batch import LandmarkBatch, LandmarkSequenceBatch
from lightning_face_emovoca.losses.es2d_loss import es2d_loss
from lightning_face_emovoca.metrics import lip_aperture
from lightning_face_emovoca.modules.dense_table import DenseTable
from lightning_face_emovoca.modules.head_pictures import draw_heads
from lightning_face_emovoca.modules.landmark_pictures import shown_frames
from lightning_face_emovoca.modules.spiral_module import SpiralModule
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.length_unit import LengthUnit
from lightning_face_emovoca.networks.level_widths import LevelWidths

__all__ = ["ES2DModule"]

_BLOCK = 64


class ES2DModule(SpiralModule):
    """Displacements of all vertices from those of 68 normalised landmarks.

    Defaults are those of the published training, but for the units: in metres, with landmarks as
    they are, the biases of a random start dwarf the motion of a face.

    Source: Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025
    (arXiv 2403.12886).

    Args:
        level_sizes: Vertices of each level of the mesh hierarchy.
        spiral_lengths: Length of the spirals of each level.
        decoder_widths: Features of a vertex of the coarsest level, then for every other level,
            from coarse to fine, the width of its convolution, or the widths of several.
        num_landmarks: Landmarks of a face.
        activation: Activation of all convolutions but the last.
        unit: In what the network and its loss compute, ``cm``, or ``m`` as published.
        landmark_scale: Factor of the displacements of landmarks, 1 as published.
        vertex_weights: File with the weight of each vertex in the loss, such as the published
            ``Normalized_d_weights.npy``; null lets weights fall with the distance from the
            landmarks within the face.
        displacement_weight: Weight of the unweighted mean error.
        lr: Learning rate of Adam.
        lr_schedule: ``constant``, as published, or ``cosine`` down to 0 with a warm-up.
    """

    network: ES2D

    def __init__(
        self,
        level_sizes: Sequence[int] = (5023, 1256, 314, 79, 20),
        spiral_lengths: Sequence[int] = (15, 14, 9, 9, 7),
        decoder_widths: LevelWidths = (128, 64, 32, 32, (16, 3)),
        num_landmarks: int = 68,
        activation: str = "elu",
        unit: LengthUnit = "cm",
        landmark_scale: float = 20.0,
        vertex_weights: str | None = None,
        displacement_weight: float = 0.1,
        lr: float = 1e-4,
        lr_schedule: LearningRateSchedule = "constant",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = ES2D(
            level_sizes,
            spiral_lengths,
            decoder_widths,
            num_landmarks,
            activation,
            unit,
            landmark_scale,
        )
        self.add_vertex_weights()
        self.table = DenseTable()

    @classmethod
    def example_data(cls) -> str:
        """Return the name of the data that it is trained on."""
        return "emovoca-landmarks"

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return the settings of a small network for the heads of the sample."""
        return {
            "level_sizes": [583, 146, 37],
            "spiral_lengths": [10, 13, 8],
            "decoder_widths": [8, 8, [4, 3]],
        }

    def forward(self, landmarks: Tensor) -> Tensor:
        """Displace the vertices of a neutral face.

        Args:
            landmarks: Normalised landmarks less those of the neutral face
                ``(frames, landmarks, 3)``.

        Returns:
            Displacements ``(frames, vertices, 3)``, in metres.
        """
        displacement: Tensor = self.network(landmarks)
        return displacement

    def training_step(self, batch: LandmarkBatch, batch_idx: int) -> Tensor:
        """Compute the loss of a batch of frames."""
        terms = self._losses(self(batch["landmarks"]), batch["displacement"])
        logged = {f"train/{name}": value.detach() for name, value in terms.items()}
        self.log_dict(logged, batch_size=len(batch["landmarks"]), sync_dist=True)
        return terms["loss"]

    def on_validation_epoch_start(self) -> None:
        """Forget the sequences of the last validation."""
        self.table.reset()

    def validation_step(self, batch: LandmarkSequenceBatch, batch_idx: int) -> None:
        """Add a batch of sequences to the table."""
        self._evaluate("val", batch)

    def on_validation_epoch_end(self) -> None:
        """Log the table."""
        self.log_dict({f"val/{name}": row for name, row in self.table.compute().items()})

    def on_test_epoch_start(self) -> None:
        """Forget the sequences of an earlier test."""
        self.table.reset()

    def test_step(self, batch: LandmarkSequenceBatch, batch_idx: int) -> None:
        """Add a batch of sequences to the table."""
        self._evaluate("test", batch)

    def on_test_epoch_end(self) -> None:
        """Log the table."""
        self.log_dict({f"test/{name}": row for name, row in self.table.compute().items()})

    def predict_step(self, batch: LandmarkSequenceBatch, batch_idx: int) -> dict[str, Any]:
        """Displace the neutral faces of a batch.

        Returns:
            ``heads``, for each sequence the true and the predicted positions in metres
            ``(frames, vertices, 3)``, beside what the batch holds.
        """
        heads = []
        for index, template in enumerate(batch["template"]):
            target, pred = batch["displacement"][index], self._sequence(batch["landmarks"][index])
            heads.append({"target": template + target, "prediction": template + pred})
        return {**batch, "heads": heads}

    def sample_images(self, batch: LandmarkSequenceBatch) -> dict[str, Tensor]:
        """Draw four frames of the first sequence."""
        template, target = batch["template"][0], batch["displacement"][0]
        embedding = self._data.embedding
        frames = shown_frames(lip_aperture(embedding.landmarks_of(template + target)))
        heads = {
            "target": template + target[frames],
            "prediction": template + self(batch["landmarks"][0][frames]),
        }
        return draw_heads(heads, torch.as_tensor(self._data.faces), template)

    def _sequence(self, landmarks: Tensor) -> Tensor:
        return torch.cat([self(block) for block in landmarks.split(_BLOCK)])

    def _losses(self, pred: Tensor, target: Tensor) -> dict[str, Tensor]:
        scale, weight = self.network.scale, self.hparams["displacement_weight"]
        return es2d_loss(scale * pred, scale * target, self.vertex_weights, weight)

    def _evaluate(self, split: Literal["val", "test"], batch: LandmarkSequenceBatch) -> None:
        for landmarks, target, template in zip(
            batch["landmarks"], batch["displacement"], batch["template"], strict=True
        ):
            pred = self._sequence(landmarks)
            self.table.update(pred, target, template, self._data.embedding)
            loss = self._losses(pred, target)["loss"]
            self.log(f"{split}/loss", loss, batch_size=len(target), sync_dist=True)

    @property
    def _data(self) -> Any:  # noqa: ANN401
        return self.trainer.datamodule  # type: ignore[attr-defined]
