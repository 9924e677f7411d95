"""The rows of the regression table."""

from __future__ import annotations

from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError, R2Score

from lightning_face_eventvit.metrics.vertex_distance import MeanVertexDistance

__all__ = ["AlphaRegressionMetrics"]


class AlphaRegressionMetrics(nn.Module):
    """Errors of expression coefficients over frames that are real and had a face.

    The blind error is that of answering the mean of the training for every frame.

    All states are those of torchmetrics and are reduced over processes.

    Args:
        components: Expression basis in metres ``(3 * vertices, coefficients)``; None leaves out
            the distance in millimetres.
    """

    def __init__(self, components: Tensor | None = None) -> None:
        super().__init__()
        self.mse = MeanSquaredError()
        self.mae = MeanAbsoluteError()
        self.standardised_mse = MeanSquaredError()
        self.standardised_mae = MeanAbsoluteError()
        self.blind_mse = MeanSquaredError()
        self.r2 = R2Score(multioutput="raw_values")
        self.distance = None if components is None else MeanVertexDistance(components)

    def update(
        self, pred: Tensor, target: Tensor, valid: Tensor, mean: Tensor, std: Tensor
    ) -> None:
        """Add clips.

        Args:
            pred: Predicted coefficients, raw ``(batch, frames, coefficients)``.
            target: Fitted coefficients, same shape.
            valid: Frames to count, bool ``(batch, frames)``.
            mean: Mean of each coefficient in training ``(coefficients,)``.
            std: Their standard deviations ``(coefficients,)``.
        """
        pred, target = pred.detach().float()[valid], target.float()[valid]
        if not len(pred):
            return
        self.mse.update(pred, target)
        self.mae.update(pred, target)
        self.blind_mse.update(mean.expand_as(target).contiguous(), target)
        standardised = (pred - mean) / std, (target - mean) / std
        self.standardised_mse.update(*standardised)
        self.standardised_mae.update(*standardised)
        # in units of the training deviation, where sums of squares do not lose digits
        self.r2.update(*standardised)
        if self.distance is not None:
            self.distance.update(pred, target)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows, each a scalar; there are none where no frame was counted."""
        if not self.mse.update_called:
            return {}
        r2 = self.r2.compute()
        rows = {
            "alpha_mse": self.mse.compute(),
            "alpha_mse_blind": self.blind_mse.compute(),
            "alpha_mae": self.mae.compute(),
            "alpha_mse_standardised": self.standardised_mse.compute(),
            "alpha_mae_standardised": self.standardised_mae.compute(),
            "r2": r2.mean(),
        }
        if self.distance is not None:
            rows["vertex_distance_mm"] = self.distance.compute()
        rows |= {f"r2_{index:02d}": value for index, value in enumerate(r2.flatten())}
        return rows

    def reset(self) -> None:
        """Forget all clips."""
        for metric in self.children():
            metric.reset()  # type: ignore[operator]
