"""Distances of points to triangle meshes."""

from __future__ import annotations

import pytest
import torch

from lightning_face_scantalk.losses.point_to_surface import closest_places, point_to_surface

TRIANGLE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
FACE = torch.tensor([[0, 1, 2]])


@pytest.mark.parametrize(
    ("point", "weights"),
    [
        ((0.25, 0.25, 3.0), (0.5, 0.25, 0.25)),
        ((-1.0, -1.0, 0.0), (1.0, 0.0, 0.0)),
        ((3.0, -1.0, 0.0), (0.0, 1.0, 0.0)),
        ((-1.0, 3.0, 1.0), (0.0, 0.0, 1.0)),
        ((0.5, -2.0, 0.0), (0.5, 0.5, 0.0)),
        ((-2.0, 0.25, 0.0), (0.75, 0.0, 0.25)),
        ((1.0, 1.0, -1.0), (0.0, 0.5, 0.5)),
    ],
    ids=["inside", "first", "second", "third", "edge ab", "edge ac", "edge bc"],
)
def test_the_nearest_place_is_inside_on_an_edge_or_at_a_corner(point, weights):
    _, found = closest_places(torch.tensor([point]), TRIANGLE, FACE)
    torch.testing.assert_close(found[0], torch.tensor(weights))


def test_no_place_is_nearer_than_the_nearest():
    generator = torch.Generator().manual_seed(0)
    vertices = torch.rand(12, 3, generator=generator)
    faces = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [0, 5, 10]])
    points = 2 * torch.rand(40, 3, generator=generator) - 0.5
    weights = torch.rand(4000, 3, generator=generator)
    weights = weights / weights.sum(dim=1, keepdim=True)
    places = (weights[None, ..., None] * vertices[faces][:, None]).sum(dim=2).flatten(0, 1)
    sampled = torch.cdist(points, places).amin(dim=1).square()
    squares = point_to_surface(points, vertices, faces)
    assert (squares <= sampled + 1e-6).all()
    assert (sampled - squares).mean() < 0.02


def test_gradients_are_those_of_differences():
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(5, 3, generator=generator, dtype=torch.float64).requires_grad_()
    vertices = torch.rand(6, 3, generator=generator, dtype=torch.float64).requires_grad_()
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]])
    assert torch.autograd.gradcheck(
        lambda p, v: point_to_surface(p, v, faces), (points, vertices), atol=1e-5
    )


def test_nan_comes_out_as_nan():
    points = torch.tensor([[0.0, 0.0, torch.nan], [0.0, 0.0, 1.0]])
    assert point_to_surface(points, TRIANGLE, FACE).isnan().tolist() == [True, False]
