"""The table of an evaluation of mixtures of speech and expression."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric

from lightning_face.metrics.talking_head import MeanVertexError
from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face_emovoca.verification.unit_measures import UnitMeasures

__all__ = ["MixtureTable"]

_MILLIMETRES = 1e3
_MEASURES = {
    "aperture_correlation": "lip_correlation",
    "lip_spread": "lip_spread",
    "closures_kept": "closures_kept",
    "expression_cosine": "expression_cosine",
    "edges_kept": "edges_kept",
    "flipped_faces": "flipped_faces",
}


class _Cells(RunningMean):
    """Mean over variants that say something."""

    def update(self, values: NDArray[np.generic]) -> None:
        """Add the values of variants, of which nan is left out."""
        found = values[~np.isnan(values)].astype(np.float64)
        self.add(torch.from_numpy(found).to(self.total))


class MixtureTable(nn.Module):
    """Rows of all sentences, each with all its variants.

    ``talking_error`` and ``expression_error`` are the mean distances in millimetres of what is
    reconstructed, their ratios those to a face that stays neutral. The other rows are means over
    variants: of lips and geometry as in `MotionMeasures`, ``expression_cosine`` between what the
    expression adds to the upper face and its model, ``intensity_monotonicity``, the share of
    steps from one intensity to the next by which the expression grows, and ``emotion_accuracy``,
    the share of variants whose expression is nearest to its own model.
    """

    def __init__(self) -> None:
        super().__init__()
        kinds = ("talking", "expression")
        self._errors = {kind: MeanVertexError() for kind in kinds}
        self._errors_at_rest = {kind: MeanVertexError() for kind in kinds}
        names = (*_MEASURES, "intensity_monotonicity", "emotion_accuracy")
        self._cells = {name: _Cells() for name in names}
        parts = (self._errors, self._errors_at_rest, self._cells)
        # dictionaries alone would not go along to another device
        self._metrics = nn.ModuleList([metric for part in parts for metric in part.values()])

    def update_reconstruction(self, kind: str, pred: Tensor, target: Tensor) -> None:
        """Add reconstructions.

        Args:
            kind: ``talking`` or ``expression``.
            pred: Displacements ``(frames, vertices, 3)`` in metres.
            target: What was reconstructed, as many.
        """
        self._errors[kind].update(pred, target)
        self._errors_at_rest[kind].update(torch.zeros_like(target), target)

    def update_mixtures(self, found: UnitMeasures) -> None:
        """Add all variants of one sentence."""
        for name, measure in _MEASURES.items():
            self._cells[name].update(found.values[measure])
        growth = found.values["expression_growth"]
        growing = np.where(np.isnan(growth), np.nan, growth > 1)
        self._cells["intensity_monotonicity"].update(growing)
        own = np.arange(len(found.nearest))[:, None]
        right = np.where(found.nearest < 0, np.nan, found.nearest == own)
        self._cells["emotion_accuracy"].update(right)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows over all sentences of all processes, scalars by name."""
        rows = {}
        for kind, metric in self._errors.items():
            error = metric.compute()
            rows[f"{kind}_error"] = _MILLIMETRES * error
            rows[f"{kind}_ratio"] = error / self._errors_at_rest[kind].compute()
        return rows | {name: metric.compute() for name, metric in self._cells.items()}

    def reset(self) -> None:
        """Forget all sentences."""
        for metric in self._metrics:
            cast("Metric", metric).reset()
