"""Transformer over expression coefficients."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from lightning_face_eventvit.networks.baselines.sequence_encoder import SequenceEncoder

__all__ = ["AlphaTransformer"]


class AlphaTransformer(nn.Module):
    """Classify tracks of expression coefficients by a `SequenceEncoder`.

    Source: the published code of Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal
    Supervision", ECCV 2024 workshops, class ``TransformerAlphaClassifier``.

    Args:
        num_classes: Number of classes.
        num_alphas: Coefficients of a frame, a multiple of 4.
    """

    inputs: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, num_classes: int = 24, num_alphas: int = 32) -> None:
        super().__init__()
        self.transformer_encoder = SequenceEncoder(num_alphas)
        self.fc = nn.Linear(num_alphas, num_classes)

    def forward(self, alpha: Tensor) -> Tensor:
        """Classify tracks: ``(batch, frames, coefficients)`` to logits ``(batch, classes)``."""
        logits: Tensor = self.fc(self.transformer_encoder(alpha)[1])
        return logits
