"""Nearest neighbours among points."""

from __future__ import annotations

import torch

from lightning_face.metrics.talking_head import (
    nearest_points,
)


def test_search_in_blocks_finds_what_the_tree_finds(noise, monkeypatch):
    points, others = noise(20, 3), noise(30, 3, seed=1)
    monkeypatch.setattr(nearest_points, "_BLOCK", 100)
    expected = nearest_points.nearest_indices(points, others)
    blocks = nearest_points.nearest_in_blocks(points, others)
    assert torch.equal(blocks, expected)
