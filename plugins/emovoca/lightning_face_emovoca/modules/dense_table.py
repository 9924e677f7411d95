"""The table of an evaluation of dense meshes."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from lightning_face.metrics.talking_head import (
    LipVertexError,
    MeanVertexError,
    UpperFaceDynamicsDeviation,
)
from lightning_face_emovoca.landmarks import LandmarkEmbedding
from lightning_face_emovoca.metrics import LipApertureCorrelation, VertexMaxSquaredError
from lightning_face_emovoca.verification.face_regions import lip_vertices, upper_face_vertices

__all__ = ["DenseTable"]


class DenseTable(nn.Module):
    """Rows of all sequences.

    Rows have the units of the published tables: ``mve`` in ``1e-3 m``, ``lve`` and
    ``mve_vertexmax_sq`` in ``1e-5 m^2``, ``fdd`` and ``fdd_abs`` in ``1e-7 m^2``. ``mve_ratio``
    and ``lve_ratio`` are those to a face that stays neutral.

    Source: ``mve_vertexmax_sq`` is what the published trainer calls MVE; the others: Nocentini
    et al., ScanTalk, ECCV 2024, section 4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mve, self.mve_at_rest = MeanVertexError(), MeanVertexError()
        self.lve, self.lve_at_rest = LipVertexError(), LipVertexError()
        self.fdd = UpperFaceDynamicsDeviation()
        self.largest = VertexMaxSquaredError()
        self.aperture = LipApertureCorrelation()

    def update(
        self, pred: Tensor, target: Tensor, template: Tensor, embedding: LandmarkEmbedding
    ) -> None:
        """Add one sequence.

        Args:
            pred: Predicted displacements in metres ``(frames, vertices, 3)``.
            target: True displacements, as many.
            template: Vertices of the neutral face ``(vertices, 3)``.
            embedding: Its landmarks, which tell where lips and upper face are.
        """
        still = template.double()
        rest, points = still.cpu().numpy(), embedding.landmarks_of(still).cpu().numpy()
        lips, upper = (
            torch.from_numpy(find(rest, points)).to(template.device)
            for find in (lip_vertices, upper_face_vertices)
        )
        face, truth = still + pred.double(), still + target.double()
        neutral = still.expand_as(truth)
        self.mve.update(face, truth)
        self.mve_at_rest.update(neutral, truth)
        self.lve.update(face, truth, lips)
        self.lve_at_rest.update(neutral, truth, lips)
        self.fdd.update(face, truth, still, upper)
        self.largest.update(face, truth)
        self.aperture.update(embedding.landmarks_of(face), embedding.landmarks_of(truth))

    def compute(self) -> dict[str, Tensor]:
        """Return the rows over all sequences of all processes, scalars by name."""
        mve, lve, fdd = self.mve.compute(), self.lve.compute(), self.fdd.compute()
        return {
            "mve": 1e3 * mve,
            "lve": 1e5 * lve,
            "fdd": 1e7 * fdd["signed"],
            "fdd_abs": 1e7 * fdd["absolute"],
            "mve_vertexmax_sq": 1e5 * self.largest.compute(),
            "mve_ratio": mve / self.mve_at_rest.compute(),
            "lve_ratio": lve / self.lve_at_rest.compute(),
            "aperture_correlation": self.aperture.compute(),
        }

    def reset(self) -> None:
        """Forget all sequences."""
        for metric in self.children():
            cast("Metric", metric).reset()
