"""What the trainings of both networks of spiral convolutions have in common."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face.modules import FaceModule
from lightning_face.modules.adam import configure_adam
from lightning_face_emovoca.losses.vertex_weights import (
    landmark_vertex_weights,
    read_vertex_weights,
)
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.prediction_writer import EmotionalHeadVideos

__all__ = ["SpiralModule"]


class SpiralModule(FaceModule):
    """Mesh hierarchy, weights of vertices, optimiser and callbacks.

    The hierarchy of the data is taken over into the network before training. Weights that were
    loaded bring the hierarchy that they were trained on along, which the data must have too.

    A subclass keeps its arguments as hyperparameters, among them ``vertex_weights``, ``lr`` and
    ``lr_schedule``.
    """

    network: DESD | ES2D
    vertex_weights: Tensor
    _has_weights = False

    def add_vertex_weights(self) -> None:
        """Give all vertices the weight 1 until the data are known."""
        num_vertices = self.network.tables.level_sizes[0]
        self.register_buffer("vertex_weights", torch.ones(num_vertices), persistent=False)

    def setup(self, stage: str) -> None:
        """Take the mesh hierarchy and the weights of the vertices over from the data.

        Args:
            stage: Name of the trainer's entry point.

        Raises:
            ConfigError: The data have another hierarchy.
            DataError: The file of weights is missing or of another topology.
        """
        super().setup(stage)
        datamodule = getattr(self.trainer, "datamodule", None)
        hierarchy = getattr(datamodule, "hierarchy", None)
        if datamodule is None or hierarchy is None:
            return
        tables = self.network.tables
        before = {name: value.clone() for name, value in tables.state_dict().items()}
        self.network.load_hierarchy(hierarchy)
        after = tables.state_dict()
        if self._has_weights and not all(torch.equal(before[name], after[name]) for name in after):
            raise ConfigError(
                f"the weights belong to another mesh hierarchy than {type(datamodule).__name__} "
                "reads: give it the hierarchy that they were trained with, or train without them"
            )
        if self.hparams["vertex_weights"] is not None:
            weights = read_vertex_weights(self.hparams["vertex_weights"], len(self.vertex_weights))
        else:
            weights = landmark_vertex_weights(hierarchy.vertices[0], datamodule.embedding)
        self.vertex_weights = weights.to(self.vertex_weights)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights, as `torch.nn.Module.load_state_dict` does."""
        self._has_weights = True
        return super().load_state_dict(*args, **kwargs)

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as videos, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, EmotionalHeadVideos) for each in callbacks)
        return [] if given else [EmotionalHeadVideos()]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Set up Adam and the learning-rate schedule, counted in optimiser steps."""
        schedule = self.hparams["lr_schedule"]
        # counting steps makes the loaders, which a constant rate has no need of yet
        steps = math.inf if schedule == "constant" else self.trainer.estimated_stepping_batches
        return configure_adam(self, self.hparams["lr"], schedule, steps)
