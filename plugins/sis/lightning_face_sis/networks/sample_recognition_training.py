"""How the stand-in for face recognition learned the people of the bundled sample.

``python -m lightning_face_sis.networks.sample_recognition_training`` writes its weights anew,
which is needed whenever those people are drawn otherwise.
"""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_sis.data.sample_face import draw_appearance, draw_labels, paint_face
from lightning_face_sis.data.sample_person import draw_person
from lightning_face_sis.networks.recognition import crop_face
from lightning_face_sis.networks.sample_recognition import (
    SAMPLE_PEOPLE,
    SAMPLE_WEIGHTS,
    PersonScores,
)

__all__ = ["draw_pictures", "fit_scores"]

_SIZE = 64
_SAMPLE_SEED = 0
# the sample draws its pictures from stream 1
_STREAM = 3
# of the mean square of the features
_RIDGE = 100.0


def draw_pictures(pictures: int, people: int = SAMPLE_PEOPLE) -> tuple[Tensor, Tensor]:
    """Draw the people of the sample, in pictures that the sample does not have.

    Args:
        pictures: Number of pictures of each person.
        people: Number of people.

    Returns:
        Pictures ``(people * pictures, 3, 64, 64)`` in [-1, 1], and the number of the person in
        each ``(people * pictures,)``.
    """
    everyone = [
        draw_person(np.random.default_rng([_SAMPLE_SEED, 0, number]), number / people)
        for number in range(people)
    ]
    drawn = []
    for number in range(people * pictures):
        generator = np.random.default_rng([_SAMPLE_SEED, _STREAM, number])
        person, appearance = everyone[number % people], draw_appearance(generator)
        labels = draw_labels(person, appearance, _SIZE)
        drawn.append(paint_face(labels, person, appearance, generator))
    levels = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float()
    return levels / 127.5 - 1, torch.arange(len(drawn)) % people


def fit_scores(images: Tensor, persons: Tensor, people: int = SAMPLE_PEOPLE) -> PersonScores:
    """Fit the scores by ridge regression, in closed form.

    Each score should be 1 for its person and 0 for all others, less the average.

    Args:
        images: Pictures ``(pictures, 3, height, width)`` in [-1, 1].
        persons: Number of the person in each ``(pictures,)``.
        people: Number of people.

    Returns:
        The fitted layer.

    Source:
        Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
        Technometrics 12(1), 1970.
    """
    network = PersonScores(people)
    features = network.features(crop_face(images)).double()
    targets = functional.one_hot(persons, people).double()
    centre, average = features.mean(dim=0), targets.mean(dim=0)
    features = features - centre
    products = features @ features.T
    penalty = _RIDGE * products.diagonal().mean() / len(features)
    products.diagonal().add_(penalty)
    weights = features.T @ torch.linalg.solve(products, targets - average)
    # scores of an average picture are zero: what tells people apart is left
    network.scores.weight.data = weights.T.float()
    network.scores.bias.data = -(centre @ weights).float()
    return network


def main() -> None:
    """Write the weights next to the network."""
    network = fit_scores(*draw_pictures(100))
    weights = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(SAMPLE_WEIGHTS) as temporary:
        save_file(weights, temporary)


if __name__ == "__main__":
    main()
