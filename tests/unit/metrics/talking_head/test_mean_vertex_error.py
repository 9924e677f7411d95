"""MVE as the published evaluation counts it."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    MeanVertexError,
    mean_vertex_error,
)


def test_mean_vertex_error_weighs_all_frames_alike(noise):
    first, second = noise(6, 5, 3), noise(2, 5, 3, seed=1)
    metric = MeanVertexError()
    metric.update(first, torch.zeros_like(first))
    metric.update(second, torch.zeros_like(second))
    expected = torch.cat([first, second]).norm(dim=-1).mean()
    assert metric.compute().item() == pytest.approx(expected.item(), rel=1e-6)


def test_has_the_unit_of_the_vertices(noise):
    pred, target = noise(4, 5, 3), noise(4, 5, 3, seed=1)
    torch.testing.assert_close(
        mean_vertex_error(1000 * pred, 1000 * target), 1000 * mean_vertex_error(pred, target)
    )


def test_without_a_sequence_there_is_no_mean():
    assert MeanVertexError().compute().isnan()
