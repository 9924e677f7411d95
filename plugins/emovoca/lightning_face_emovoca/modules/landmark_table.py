"""The table of an evaluation of landmarks that follow speech."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torchmetrics import Metric

from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face_emovoca.landmarks import MOUTH
from lightning_face_emovoca.metrics import EmotionAccuracy, LipApertureCorrelation

__all__ = ["LandmarkTable", "motion_correlation"]

_THOUSANDTHS = 1e3
_STILL = 1e-9


class _Mean(RunningMean):
    """Mean over sequences of a value of each."""

    def update(self, value: Tensor) -> None:
        """Add the value of one sequence, a scalar."""
        self.add(value.double()[None])


class _Correlation(_Mean):
    higher_is_better = True


def motion_correlation(pred: Tensor, target: Tensor) -> Tensor:
    """Pearson correlation of what moves, all coordinates of all landmarks together.

    Args:
        pred: Predicted landmarks ``(frames, landmarks, 3)``.
        target: True landmarks, as many.

    Returns:
        A float64 scalar, 0 where either does not move.
    """
    moves = [each.double() - each.double().mean(dim=0) for each in (pred, target)]
    norms = [each.norm() for each in moves]
    if min(norms) < _STILL:
        return norms[0].new_zeros(())
    return (moves[0] * moves[1]).sum() / (norms[0] * norms[1])


class LandmarkTable(nn.Module):
    """Rows of all sequences; landmarks are normalised, of a face whose norm is 1.

    ``landmark_error`` and ``mouth_error`` are mean distances in thousandths. ``mse_ratio`` is the
    squared error divided by that of a face at rest. ``motion_correlation`` and
    ``aperture_correlation`` are means over sequences. ``emotion_accuracy``,
    ``intensity_accuracy`` and ``label_accuracy`` are the shares of sequences that lie nearest to
    their own class.
    """

    def __init__(self) -> None:
        super().__init__()
        self.landmarks = _Mean()
        self.mouth = _Mean()
        self.squares = _Mean()
        self.squares_at_rest = _Mean()
        self.motion = _Correlation()
        self.aperture = LipApertureCorrelation()
        self.emotion = EmotionAccuracy()

    def update(
        self, pred: Tensor, target: Tensor, template: Tensor, emotion: int, intensity: int
    ) -> None:
        """Add one sequence.

        Args:
            pred: Predicted landmarks ``(frames, landmarks, 3)``.
            target: True landmarks, as many.
            template: Landmarks of the neutral face ``(landmarks, 3)``.
            emotion: Number of its emotion.
            intensity: Place of its intensity, from 0.
        """
        pred, target, template = (each.double() for each in (pred, target, template))
        distances = (pred - target).norm(dim=-1)
        self.landmarks.update(distances.mean())
        self.mouth.update(distances[:, MOUTH].mean())
        self.squares.update((pred - target).square().mean())
        self.squares_at_rest.update((template - target).square().mean())
        self.motion.update(motion_correlation(pred, target))
        self.aperture.update(pred, target)
        self.emotion.update(pred, target, template, emotion, intensity)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows over all sequences of all processes, scalars by name."""
        shares = self.emotion.compute()
        return {
            "landmark_error": _THOUSANDTHS * self.landmarks.compute(),
            "mouth_error": _THOUSANDTHS * self.mouth.compute(),
            "mse_ratio": self.squares.compute() / self.squares_at_rest.compute(),
            "motion_correlation": self.motion.compute(),
            "aperture_correlation": self.aperture.compute(),
            "emotion_accuracy": shares["emotion"],
            "intensity_accuracy": shares["intensity"],
            "label_accuracy": shares["both"],
        }

    def reset(self) -> None:
        """Forget all sequences."""
        for metric in self.children():
            cast("Metric", metric).reset()
