"""LSTM over expression coefficients."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

__all__ = ["AlphaLSTM"]


class AlphaLSTM(nn.Module):
    """Classify tracks of expression coefficients by the last step of an LSTM.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``LSTMAlphaClassifier``.

    Args:
        num_classes: Number of classes.
        num_alphas: Coefficients of a frame.
        hidden_dim: State of the LSTM.
    """

    inputs: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, num_classes: int = 24, num_alphas: int = 32, hidden_dim: int = 256) -> None:
        super().__init__()
        self.lstm = nn.LSTM(num_alphas, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, num_classes)

    def forward(self, alpha: Tensor) -> Tensor:
        """Classify tracks: ``(batch, frames, coefficients)`` to logits ``(batch, classes)``."""
        steps, _ = self.lstm(alpha)
        logits: Tensor = self.fc(steps[:, -1])
        return logits
