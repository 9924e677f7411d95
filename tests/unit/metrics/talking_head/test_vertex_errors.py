"""MVE, LVE and FDD as the published evaluation counts them."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    LipVertexError,
    MeanVertexError,
    UpperFaceDynamicsDeviation,
    lip_vertex_error,
    mean_vertex_error,
    upper_face_dynamics_deviation,
)

LIPS = torch.tensor([1, 3])


def test_mean_vertex_error_weighs_all_frames_alike(noise):
    first, second = noise(6, 5, 3), noise(2, 5, 3, seed=1)
    metric = MeanVertexError()
    metric.update(first, torch.zeros_like(first))
    metric.update(second, torch.zeros_like(second))
    expected = torch.cat([first, second]).norm(dim=-1).mean()
    assert metric.compute().item() == pytest.approx(expected.item(), rel=1e-6)


def test_lip_vertex_error_is_that_of_the_worst_lip_vertex():
    pred = torch.zeros(2, 5, 3)
    pred[0, 1, 0], pred[0, 3, 1], pred[0, 2, 2] = 3.0, 4.0, 100.0
    assert lip_vertex_error(pred, torch.zeros(2, 5, 3), LIPS).tolist() == [16.0, 0.0]


def test_lip_vertex_error_is_a_mean_over_frames_not_sequences():
    metric = LipVertexError()
    for frames, error in ((3, 1.0), (1, 5.0)):
        pred = torch.zeros(frames, 5, 3)
        pred[:, 1, 0] = error
        metric.update(pred, torch.zeros(frames, 5, 3), LIPS)
    assert metric.compute().item() == pytest.approx((3 * 1 + 25) / 4)


def test_both_errors_have_the_unit_of_the_vertices(noise):
    pred, target = noise(4, 5, 3), noise(4, 5, 3, seed=1)
    torch.testing.assert_close(
        mean_vertex_error(1000 * pred, 1000 * target), 1000 * mean_vertex_error(pred, target)
    )
    torch.testing.assert_close(
        lip_vertex_error(1000 * pred, 1000 * target, LIPS),
        1e6 * lip_vertex_error(pred, target, LIPS),
    )


def test_a_static_prediction_lacks_the_dynamics_of_the_truth(noise):
    template, target = noise(5, 3), noise(7, 5, 3, seed=1)
    static = template.expand(7, 5, 3)
    upper = torch.tensor([0, 4])
    squares = (target[:, upper] - template[upper]).square().sum(dim=-1)
    expected = squares.std(dim=0, correction=0).mean()
    torch.testing.assert_close(
        upper_face_dynamics_deviation(static, target, template, upper), expected
    )


def test_deviations_of_opposite_signs_cancel_in_the_signed_mean_only(noise):
    template, moving = noise(5, 3), noise(7, 5, 3, seed=1)
    static, upper = template.expand(7, 5, 3), torch.tensor([0, 4])
    metric = UpperFaceDynamicsDeviation()
    metric.update(static, moving, template, upper)
    metric.update(moving, static, template, upper)
    values = metric.compute()
    assert values["signed"].item() == pytest.approx(0, abs=1e-12)
    single = upper_face_dynamics_deviation(static, moving, template, upper)
    assert values["absolute"].item() == pytest.approx(single.item(), rel=1e-6)


def test_without_a_sequence_there_is_no_mean():
    assert MeanVertexError().compute().isnan()
