"""The worst vertex of the whole face."""

from __future__ import annotations

import torch

from lightning_face_emovoca.metrics import VertexMaxSquaredError, vertex_max_squared_error


def test_the_worst_vertex_of_each_frame_counts():
    pred = torch.zeros(2, 3, 3)
    pred[0, 1] = torch.tensor([3.0, 4.0, 0.0])
    pred[1, 2] = 1.0
    assert vertex_max_squared_error(pred, torch.zeros(2, 3, 3)).tolist() == [25.0, 3.0]


def test_the_metric_is_a_mean_over_all_frames():
    metric = VertexMaxSquaredError()
    metric.update(torch.ones(1, 4, 3), torch.zeros(1, 4, 3))
    # the longer one is cut
    metric.update(torch.zeros(3, 4, 3), torch.zeros(2, 4, 3))
    assert metric.compute().item() == 1.0
