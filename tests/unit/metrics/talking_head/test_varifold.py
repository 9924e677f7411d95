"""Varifold distances between surfaces."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    VarifoldDistance,
    squared_varifold_distance,
    varifold,
    varifold_distance,
)


def fan(corners: int, height: float = 0.0):
    """A disc of triangles around its centre, as vertices and faces."""
    angle = torch.arange(corners, dtype=torch.float64) * (2 * torch.pi / corners)
    rim = torch.stack([angle.cos(), angle.sin(), torch.full_like(angle, height)], dim=1)
    centre = torch.tensor([[0.0, 0.0, height]], dtype=torch.float64)
    index = torch.arange(corners)
    faces = torch.stack([index, (index + 1) % corners, torch.full_like(index, corners)], dim=1)
    return torch.cat([rim, centre]), faces


def dense_varifold(pred, target, pred_faces, target_faces, sigma):
    """The definition with all pairs at once."""

    def parts(vertices, faces):
        a, b, c = vertices[faces].unbind(1)
        cross = torch.linalg.cross(b - a, c - a)
        length = cross.norm(dim=1, keepdim=True)
        return (a + b + c) / 3, length[:, 0] / 2, cross / length

    def product(first, second):
        squares = torch.cdist(first[0], second[0]).square()
        kernel = (-squares / sigma**2).exp() * (first[2] @ second[2].T) ** 2
        return (first[1][:, None] * second[1] * kernel).sum()

    one, two = parts(pred, pred_faces), parts(target, target_faces)
    return product(one, one) + product(two, two) - 2 * product(one, two)


@pytest.mark.parametrize("block", [2**22, 20])
def test_varifold_is_its_definition_in_blocks_too(monkeypatch, block):
    monkeypatch.setattr(varifold, "_BLOCK", block)
    (first, faces), (second, other_faces) = fan(7), fan(9, height=0.3)
    first = first + 0.1 * torch.sin(5 * first.roll(1, 1))
    first.requires_grad_()
    expected = sum(dense_varifold(first, second, faces, other_faces, sigma) for sigma in (0.5, 0.2))
    actual = squared_varifold_distance(
        first[None], second[None], faces, other_faces, sigmas=(0.5, 0.2)
    )[0]
    torch.testing.assert_close(actual, expected)
    gradients = [torch.autograd.grad(each, first)[0] for each in (actual, expected)]
    torch.testing.assert_close(*gradients)


def test_varifold_sees_neither_sampling_nor_orientation():
    (first, faces), (second, other_faces) = fan(60), fan(80)
    moved = second + torch.tensor([0.0, 0.0, 0.5])
    same, other = (
        varifold_distance(first[None], each[None], faces, other_faces.flip(1), (0.3,)).item()
        for each in (second, moved)
    )
    assert same < 0.05 * other


def test_flat_faces_count_nothing_and_have_gradients():
    vertices, faces = fan(6)
    flat = torch.cat([faces, torch.tensor([[0, 0, 1]])])
    vertices.requires_grad_()
    plain, with_flat = (
        squared_varifold_distance(vertices[None], fan(8)[0][None], each, fan(8)[1], (0.3,)).sum()
        for each in (faces, flat)
    )
    torch.testing.assert_close(with_flat, plain)
    assert torch.autograd.grad(with_flat, vertices)[0].isfinite().all()


def test_topology_may_change_from_frame_to_frame():
    surfaces = [fan(6), fan(8)]
    vertices, faces = zip(*surfaces, strict=True)
    assert varifold_distance(vertices, vertices, faces, faces).tolist() == [0.0, 0.0]
    crossed = varifold_distance(vertices, vertices[::-1], faces, faces[::-1])
    assert (crossed > 0).all()


def test_the_metric_is_a_mean_over_frames():
    (vertices, faces), (others, other_faces) = fan(6), fan(8, height=0.2)
    metric = VarifoldDistance(sigmas=(0.5,))
    metric.update(vertices[None], others[None], faces, other_faces)
    metric.update(vertices[None], vertices[None], faces, faces)
    single = varifold_distance(vertices[None], others[None], faces, other_faces, (0.5,))
    assert metric.compute().item() == pytest.approx(single.item() / 2, rel=1e-5)
