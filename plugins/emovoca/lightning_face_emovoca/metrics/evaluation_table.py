"""The table of an evaluation of emotional talking heads: all in all, and for each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from torch import Tensor, nn
from torchmetrics import Metric

from lightning_face.metrics.talking_head import (
    LipVertexError,
    MeanVertexError,
    UpperFaceDynamicsDeviation,
    lip_vertex_error,
    mean_vertex_error,
)
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.metrics.emotion_accuracy import EmotionAccuracy
from lightning_face_emovoca.metrics.intensity_monotonicity import IntensityMonotonicity
from lightning_face_emovoca.metrics.label_means import LabelMeans
from lightning_face_emovoca.metrics.lip_aperture import LipApertureCorrelation
from lightning_face_emovoca.metrics.vertex_max_squared_error import VertexMaxSquaredError

__all__ = ["EvaluationTable"]


class EvaluationTable(nn.Module):
    """Rows of all sequences, and tables of errors by emotion and intensity.

    Rows have the units of the published tables: ``mve`` in ``1e-3 m``, ``lve`` and
    ``mve_vertexmax_sq`` in ``1e-5 m^2``, ``fdd`` and ``fdd_abs`` in ``1e-7 m^2``.
    ``aperture_correlation``, ``emotion_accuracy``, ``intensity_accuracy`` and
    ``intensity_monotonicity`` are pure numbers, of which 1 is the best.

    Args:
        num_emotions: Number of emotions.
        intensities: Strengths of the expressions.
        embedding: Where the landmarks lie.

    Source: ``mve_vertexmax_sq`` is what the published trainer calls MVE; ``mve``, ``lve`` and
    ``fdd`` are those of Nocentini et al., ScanTalk, ECCV 2024, section 4.
    """

    def __init__(
        self, num_emotions: int, intensities: Sequence[float], embedding: LandmarkEmbedding
    ) -> None:
        super().__init__()
        self._intensities = tuple(intensities)
        self._embedding = embedding
        self.mve, self.lve = MeanVertexError(), LipVertexError()
        self.fdd = UpperFaceDynamicsDeviation()
        self.largest = VertexMaxSquaredError()
        self.aperture = LipApertureCorrelation()
        self.accuracy = EmotionAccuracy()
        self.monotonicity = IntensityMonotonicity()
        self.by_label = LabelMeans(("mve", "lve"), num_emotions, len(self._intensities))
        self._sentences: dict[tuple[str, str], int] = {}

    def update(
        self,
        pred: Tensor,
        target: Tensor,
        template: Tensor,
        masks: Mapping[str, Tensor],
        sentence: tuple[str, str],
        label: tuple[int, float],
    ) -> None:
        """Add one sequence.

        Args:
            pred: Predicted positions in metres ``(frames, vertices, 3)``.
            target: True positions; the longer sequence is cut.
            template: Neutral face ``(vertices, 3)``.
            masks: Indices of the ``lips`` and of the ``upper`` face.
            sentence: Names of actor and sentence.
            label: Number of the emotion, and intensity.
        """
        emotion, intensity = label
        frames = min(len(pred), len(target))
        pred, target, still = pred[:frames].double(), target[:frames].double(), template.double()
        self.mve.update(pred, target)
        self.lve.update(pred, target, masks["lips"])
        self.fdd.update(pred, target, still, masks["upper"])
        self.largest.update(pred, target)
        errors = {
            "mve": 1e3 * mean_vertex_error(pred, target),
            "lve": 1e5 * lip_vertex_error(pred, target, masks["lips"]),
        }
        self.by_label.update(emotion, self._intensities.index(intensity), errors)
        points = [self._embedding.landmarks_of(each) for each in (pred, target, still)]
        self.aperture.update(points[0], points[1])
        shown, true, rest = (normalize_landmarks(each) for each in points)
        self.accuracy.update(shown, true, rest, emotion, intensity)
        number = self._sentences.setdefault(sentence, len(self._sentences))
        group = number * self.by_label.totals.shape[1] + emotion
        self.monotonicity.update(group, intensity, (pred - still)[:, masks["upper"]])

    def compute(self) -> dict[str, Tensor]:
        """Return the rows over all sequences, scalars by name."""
        fdd, accuracy = self.fdd.compute(), self.accuracy.compute()
        return {
            "mve": 1e3 * self.mve.compute(),
            "lve": 1e5 * self.lve.compute(),
            "fdd": 1e7 * fdd["signed"],
            "fdd_abs": 1e7 * fdd["absolute"],
            "mve_vertexmax_sq": 1e5 * self.largest.compute(),
            "aperture_correlation": self.aperture.compute(),
            "emotion_accuracy": accuracy["emotion"],
            "intensity_accuracy": accuracy["intensity"],
            "intensity_monotonicity": self.monotonicity.compute(),
        }

    def compute_by_label(self) -> dict[str, Tensor]:
        """Return ``mve`` and ``lve`` by emotion and intensity ``(emotions, intensities)``."""
        tables: dict[str, Tensor] = self.by_label.compute()
        return tables

    def reset(self) -> None:
        """Forget all sequences."""
        self._sentences.clear()
        for metric in self.children():
            cast("Metric", metric).reset()
