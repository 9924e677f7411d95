"""The table of an evaluation: every metric of both papers, for each data set."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torchmetrics import Metric

from lightning_face.metrics.talking_head import (
    ChamferDistance,
    HausdorffDistance,
    LipDiscreteFrechetDistance,
    LipDynamicTimeWarping,
    LipVelocity,
    LipVertexError,
    MeanVertexError,
    MouthOpening,
    UpperFaceDynamicsDeviation,
    VarifoldDistance,
)

__all__ = ["HeadTable"]

_MILLIMETRES = 1e3
_SQUARE_MILLIMETRES = 1e6


class _Rows(nn.Module):
    """Metrics of the sequences of one data set."""

    def __init__(self, varifold_sigma: float | None) -> None:
        super().__init__()
        self.lve = LipVertexError()
        self.mve = MeanVertexError()
        self.fdd = UpperFaceDynamicsDeviation()
        self.dtw = LipDynamicTimeWarping()
        self.dfd = LipDiscreteFrechetDistance()
        self.opening = MouthOpening()
        self.velocity = LipVelocity()
        self.lips = MeanVertexError()
        self.static_lips = MeanVertexError()
        self.hd = HausdorffDistance()
        self.chamfer = ChamferDistance()
        self.static_chamfer = ChamferDistance()
        self.varifold = None if varifold_sigma is None else VarifoldDistance([varifold_sigma])

    @property
    def metrics(self) -> list[Metric]:
        return [metric for metric in self.children() if isinstance(metric, Metric)]

    def update_surfaces(self, pred: Tensor, batch: dict[str, Any], index: int) -> None:
        faces, template = batch["faces"][index], batch["template"][index]
        scans = "targets" in batch
        target = batch["targets" if scans else "vertices"][index]
        self.hd.update(pred, target)
        self.chamfer.update(pred, target)
        self.static_chamfer.update(template.expand(len(target), -1, -1), target)
        if self.varifold is not None:
            target_faces = batch["target_faces"][index] if scans else faces
            self.varifold.update(pred, target, faces, target_faces)

    def update_vertices(
        self, pred: Tensor, target: Tensor, batch: dict[str, Any], index: int
    ) -> None:
        lips, template = batch["lips"][index], batch["template"][index]
        self.lve.update(pred, target, lips)
        self.mve.update(pred, target)
        self.fdd.update(pred, target, template, batch["upper"][index])
        self.dtw.update(pred, target, lips)
        self.dfd.update(pred, target, lips)
        self.opening.update(pred, target, batch["upper_lip"][index], batch["lower_lip"][index])
        self.velocity.update(pred, target, lips, batch["fps"][index])
        self.lips.update(pred[:, lips], target[:, lips])
        self.static_lips.update(template[lips].expand(len(target), -1, -1), target[:, lips])

    def merge(self, other: _Rows) -> None:
        for metric, another in zip(self.metrics, other.metrics, strict=True):
            metric.merge_state(another)

    def reset(self) -> None:
        for metric in self.metrics:
            metric.reset()

    def compute(self) -> dict[str, Tensor]:
        with warnings.catch_warnings():
            # a process may have seen no sequence of a data set of which others have some
            warnings.filterwarnings("ignore", message="The ``compute`` method of metric")
            # baselines are nan only where no process has seen any such sequence
            rows = {} if self.static_lips.compute().isnan() else self._vertex_rows()
            if not self.static_chamfer.compute().isnan():
                rows |= self._surface_rows()
        return rows

    def _vertex_rows(self) -> dict[str, Tensor]:
        fdd, opening, velocity = self.fdd.compute(), self.opening.compute(), self.velocity.compute()
        lips = self.lips.compute()
        return {
            "lve": 1e5 * self.lve.compute(),
            "mve": 1e3 * self.mve.compute(),
            "fdd": 1e7 * fdd["signed"],
            "fdd_abs": 1e7 * fdd["absolute"],
            "dtw": _MILLIMETRES * self.dtw.compute(),
            "dfd": _MILLIMETRES * self.dfd.compute(),
            "opening_error": _MILLIMETRES * opening["mean_abs"],
            "opening_max_error": _MILLIMETRES * opening["max_abs"],
            "opening_velocity_error": _MILLIMETRES * opening["velocity_abs"],
            "opening_correlation": opening["correlation"],
            "lip_velocity_error": _MILLIMETRES * velocity["l2_per_second"],
            "lip_direction_error": velocity["cosine"],
            "lip_error": _MILLIMETRES * lips,
            "lip_error_ratio": lips / self.static_lips.compute(),
        }

    def _surface_rows(self) -> dict[str, Tensor]:
        chamfer = self.chamfer.compute()
        rows = {
            "hd": _MILLIMETRES * self.hd.compute(),
            "chamfer": _SQUARE_MILLIMETRES * chamfer,
            "chamfer_ratio": chamfer / self.static_chamfer.compute(),
        }
        if self.varifold is not None:
            rows["varifold"] = _SQUARE_MILLIMETRES * self.varifold.compute()
        return rows


class HeadTable(nn.Module):
    """Rows of all sequences, and of each data set where there are several.

    Rows under the papers' names have the units of the published tables: ``lve`` in ``1e-5 m^2``,
    ``mve`` in ``1e-3 m``, ``fdd`` and ``fdd_abs`` in ``1e-7 m^2``. The others are in millimetres:
    ``dtw`` for each frame, ``dfd``, ``hd``, ``chamfer`` and ``varifold`` in square millimetres,
    the differences of mouth openings (their ``opening_velocity_error`` for each frame),
    ``lip_velocity_error`` for each second, ``lip_error``, the mean distance of lip vertices.
    Ratios are those to a face that does not move.

    Source: LVE, MVE and FDD: Nocentini et al., ScanTalk, ECCV 2024, section 4; the others: names
    of Nocentini et al., arXiv 2410.11041, definitions of this project.

    Args:
        datasets: Names of the data sets that get rows of their own, suffixed by the name.
        varifold_sigma: Width of the kernel of the varifold distance in metres; None leaves this
            row out, whose time grows with the square of the faces.
    """

    def __init__(self, datasets: Sequence[str] = (), varifold_sigma: float | None = None) -> None:
        super().__init__()
        # of one data set, the rows of all are those of the set
        names = datasets if len(datasets) > 1 else ()
        self._by_dataset = {name: _Rows(varifold_sigma) for name in names}
        self._others = _Rows(varifold_sigma)
        self._varifold_sigma = varifold_sigma
        self._parts = nn.ModuleList([*self._by_dataset.values(), self._others])

    def update(
        self, pred: Tensor, batch: dict[str, Any], index: int, surfaces: bool = True
    ) -> None:
        """Add one sequence.

        Args:
            pred: Predicted positions in metres ``(frames, vertices, 3)``.
            batch: Batch that the sequence is part of. Where it has ``targets``, surfaces are
                compared with these; ``vertices`` may be None.
            index: Its place in the batch.
            surfaces: Whether to compare surfaces, which takes most of the time.
        """
        rows = self._by_dataset.get(batch["dataset"][index], self._others)
        pred, truth = pred.float(), batch["vertices"][index]
        if surfaces:
            rows.update_surfaces(pred, batch, index)
        # scans may come without knowledge of where their vertices or lips are
        if truth is not None and len(batch["lips"][index]):
            rows.update_vertices(pred, truth, batch, index)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows over all sequences of all processes, scalars by name."""
        total = _Rows(self._varifold_sigma).to(self._others.lve.device)
        for part in (*self._by_dataset.values(), self._others):
            total.merge(part)
        rows = total.compute()
        for name, part in self._by_dataset.items():
            rows |= {f"{row}_{name}": value for row, value in part.compute().items()}
        return rows

    def reset(self) -> None:
        """Forget all sequences."""
        for part in (*self._by_dataset.values(), self._others):
            part.reset()
