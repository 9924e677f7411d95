"""LVE as the published evaluation counts it."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    LipVertexError,
    lip_vertex_error,
)

LIPS = torch.tensor([1, 3])


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


def test_has_the_squared_unit_of_the_vertices(noise):
    pred, target = noise(4, 5, 3), noise(4, 5, 3, seed=1)
    torch.testing.assert_close(
        lip_vertex_error(1000 * pred, 1000 * target, LIPS),
        1e6 * lip_vertex_error(pred, target, LIPS),
    )
