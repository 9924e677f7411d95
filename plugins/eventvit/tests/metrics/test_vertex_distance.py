"""Distances in millimetres, against faces that are really rebuilt."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.morphable import Basis
from lightning_face_eventvit.metrics import MeanVertexDistance


def test_equals_the_distance_of_rebuilt_faces():
    generator = np.random.default_rng(0)
    basis = Basis(generator.normal(size=(3 * 40, 5)), np.ones(5))
    pred, target = generator.normal(size=(2, 150, 5))
    mean = generator.normal(size=(40, 3))
    faces = basis.deform(mean, pred), basis.deform(mean, target)
    expected = 1000 * np.linalg.norm(faces[0] - faces[1], axis=-1).mean()
    metric = MeanVertexDistance(torch.from_numpy(basis.components))
    for part in np.array_split(np.arange(150), 7):
        metric.update(torch.from_numpy(pred[part]), torch.from_numpy(target[part]))
    assert metric.compute().item() == pytest.approx(expected, rel=1e-5)


def test_one_metre_is_a_thousand_millimetres():
    # one coefficient that moves both vertices by one metre along y
    metric = MeanVertexDistance(torch.tensor([[0.0], [1], [0], [0], [1], [0]]))
    metric.update(torch.tensor([[0.003]]), torch.tensor([[0.001]]))
    assert metric.compute().item() == pytest.approx(2.0)


def test_the_basis_is_no_part_of_a_checkpoint():
    assert not MeanVertexDistance(torch.zeros(6, 2)).state_dict()
