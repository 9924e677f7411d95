"""Losses of sequences whose truth is a surface that changes from frame to frame."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import chamfer_distance, squared_varifold_distance
from lightning_face_scantalk.losses import chamfer_loss, surface_loss, varifold_loss

SQUARE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])


@pytest.fixture
def frames():
    """Two frames of five vertices, and targets of six and four points."""
    generator = torch.Generator().manual_seed(0)
    pred = torch.randn(2, 5, 3, generator=generator)
    return pred, [torch.randn(size, 3, generator=generator) for size in (6, 4)]


def test_chamfer_is_the_mean_over_frames(frames):
    pred, targets = frames
    loss = chamfer_loss(pred, targets)["loss"]
    torch.testing.assert_close(loss, chamfer_distance(pred, targets).mean())


def test_padding_adds_points_at_the_origin(frames):
    pred, targets = frames
    filled = [targets[0], torch.cat([targets[1], torch.zeros(2, 3)])]
    loss = chamfer_loss(pred, targets, padded=True)["loss"]
    torch.testing.assert_close(loss, chamfer_distance(pred, filled).mean())


def test_varifold_is_the_mean_over_frames():
    pred = torch.stack([SQUARE, SQUARE + 0.1])
    targets, faces = [SQUARE, SQUARE[:3]], [FACES, FACES[:1]]
    loss = varifold_loss(pred, FACES, targets, faces, [0.5])["loss"]
    expected = squared_varifold_distance(pred, targets, FACES, faces, [0.5]).mean()
    torch.testing.assert_close(loss, expected.float())


def test_another_sampling_of_the_same_surface_costs_nothing():
    fine = torch.cat([SQUARE, SQUARE.mean(dim=0, keepdim=True)])
    fine_faces = torch.tensor([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    terms = surface_loss(SQUARE[None], FACES, [fine], [fine_faces], SQUARE)
    assert terms["loss"] == 0
    assert chamfer_loss(SQUARE[None], [fine])["loss"] > 0.05


def test_a_lifted_surface_costs_its_height_twice_and_no_smoothness():
    lifted = SQUARE[None] + torch.tensor([0.0, 0.0, 0.2])
    terms = surface_loss(lifted, FACES, [SQUARE], [FACES], SQUARE)
    assert terms["surface"].item() == pytest.approx(2 * 0.2**2)
    assert terms["smoothness"].item() == pytest.approx(0, abs=1e-12)


def test_smoothness_is_that_of_displacements_along_edges():
    moved = SQUARE.clone()
    moved[1, 2] = 0.3
    terms = surface_loss(moved[None], FACES, [moved], [FACES], SQUARE, smoothness_weight=2.0)
    # the vertex is an end of two of the six edges of the triangles
    assert terms["smoothness"].item() == pytest.approx(0.3**2 * 2 / 6)
    assert terms["loss"].item() == pytest.approx(2 * 0.3**2 * 2 / 6)
