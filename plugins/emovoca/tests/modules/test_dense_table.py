"""Rows of dense meshes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.sample_heads.shape import draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_emovoca.data.sample_landmarks import landmark_places
from lightning_face_emovoca.landmarks import LandmarkEmbedding
from lightning_face_emovoca.modules.dense_table import DenseTable


@pytest.fixture(scope="module")
def head():
    """Template, embedding and displacements of a mouth that opens."""
    mesh = HeadTopology(7).sphere()
    template = torch.from_numpy(neutral(mesh, draw_identity(np.random.default_rng(0))))
    embedding = LandmarkEmbedding.from_triangles(*landmark_places(mesh), mesh.faces)
    opening = torch.linspace(0, 6.3, 10).sin().square()
    return template, embedding, opening[:, None, None] * torch.from_numpy(movement(mesh))


def rows_of(head, pred) -> dict[str, float]:
    template, embedding, motion = head
    table = DenseTable()
    table.update(pred, motion, template, embedding)
    return {name: row.item() for name, row in table.compute().items()}


def test_the_truth_is_without_fault(head):
    rows = rows_of(head, head[2])
    assert rows.pop("aperture_correlation") == pytest.approx(1)
    assert set(rows.values()) == {0.0}


def test_a_neutral_face_has_ratios_of_one(head):
    rows = rows_of(head, torch.zeros_like(head[2]))
    assert rows["mve_ratio"] == rows["lve_ratio"] == pytest.approx(1)
    assert rows["aperture_correlation"] == 0


def test_units_are_those_of_the_published_tables(head):
    rows = rows_of(head, head[2] + torch.tensor([0.0, 0.0, 0.002]))
    assert rows["mve"] == pytest.approx(2, rel=1e-6)
    assert rows["lve"] == rows["mve_vertexmax_sq"] == pytest.approx(0.4, rel=1e-6)


def test_a_lively_upper_face_is_noticed(head):
    rows = rows_of(head, head[2] + 0.01 * torch.rand(10, 1, 1))
    assert rows["fdd"] < 0
    assert rows["fdd_abs"] == pytest.approx(-rows["fdd"])
