"""A stand-in for face recognition that knows the drawn people of the bundled sample."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from lightning_face_sis.networks.recognition import RecognitionNetwork

__all__ = ["SAMPLE_PEOPLE", "SAMPLE_WEIGHTS", "PersonScores", "SampleRecognition"]

SAMPLE_PEOPLE = 24
SAMPLE_WEIGHTS = Path(__file__).with_suffix(".safetensors")


class SampleRecognition(RecognitionNetwork):
    """Stand-in for a recognition network, which tells the drawn people of the sample apart.

    An embedding holds one score for each of them. **It recognises nobody on photographs**: it
    only takes the place of a trained network where there is none, so that identities can be
    injected and measured on the sample. Its weights come with the package; see
    `lightning_face_sis.networks.sample_recognition_training` for how they were made.
    """

    def __init__(self) -> None:
        scores = PersonScores(SAMPLE_PEOPLE)
        weights = load_file(SAMPLE_WEIGHTS)
        scores.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        super().__init__(scores, embedding_dim=SAMPLE_PEOPLE)


class PersonScores(nn.Module):
    """Linear scores of the colours of a face, their squares and products, cell by cell.

    Args:
        people: Number of scores.
    """

    grid = 14

    def __init__(self, people: int) -> None:
        super().__init__()
        self.scores = nn.Linear(9 * self.grid**2, people)

    def forward(self, faces: Tensor) -> Tensor:
        """Score faces.

        Args:
            faces: Faces ``(batch, 3, height, width)`` in [-1, 1].

        Returns:
            Scores ``(batch, people)``, the highest for the person it looks like.
        """
        scores: Tensor = self.scores(self.features(faces))
        return scores

    def features(self, faces: Tensor) -> Tensor:
        """Average colours, their squares and products over every cell.

        Args:
            faces: Faces ``(batch, 3, height, width)`` in [-1, 1].

        Returns:
            Features ``(batch, 9 * grid ** 2)``.
        """
        products = faces * faces.roll(1, dims=1)
        terms = torch.cat([faces, products, faces.square()], dim=1)
        return functional.adaptive_avg_pool2d(terms, self.grid).flatten(1)
