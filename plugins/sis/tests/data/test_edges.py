from __future__ import annotations

import torch

from lightning_face_sis.data.edges import boundary_map


def test_both_sides_of_a_border_are_marked() -> None:
    instances = torch.zeros(1, 1, 4, 5, dtype=torch.int64)
    instances[..., 1:3, 2] = 7
    edges = boundary_map(instances)
    expected = [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    assert edges.dtype == torch.uint8
    assert edges[0, 0].tolist() == expected


def test_neither_corners_nor_numbers_matter() -> None:
    diagonal = torch.zeros(1, 1, 6, 6, dtype=torch.int64)
    diagonal[..., :3, :3] = 1
    assert boundary_map(diagonal)[0, 0, 3, 3] == 0
    assert torch.equal(boundary_map(diagonal), boundary_map(9 - 4 * diagonal))
    assert boundary_map(torch.full((1, 1, 3, 3), 5)).sum() == 0
