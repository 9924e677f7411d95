from __future__ import annotations

import numpy as np

from lightning_face_emovoca.networks.row_tables import pooled_rows, spiral_rows, upsampled_rows

SPIRALS = np.array([[0, 2, -1], [1, -1, -1], [2, 0, 1], [-1, -1, -1]])


def test_dummy_of_a_spiral_is_the_last_row():
    assert spiral_rows(SPIRALS, shifted=False).tolist() == [
        [0, 2, 3],
        [1, 3, 3],
        [2, 0, 1],
        [3] * 3,
    ]
    # there the last vertex has the last row
    assert spiral_rows(SPIRALS, shifted=True).tolist() == [[0, 2, 2], [1, 2, 2], [2, 0, 1]]


def test_coarse_dummy_is_the_fine_one():
    assert pooled_rows(np.array([1, 4, 5]), 8, shifted=False).tolist() == [1, 4, 5, 8]


def test_shifted_pooling_takes_the_row_before_and_loses_the_first():
    assert pooled_rows(np.array([0, 4, 5]), 8, shifted=True).tolist() == [-1, 3, 4, 7]


def test_fine_dummy_is_the_coarse_one():
    indices, weights = np.array([[0, 1, 2], [2, 1, 0]]), np.array([[0.5, 0.25, 0.25], [1.0, 0, 0]])
    rows, sums = upsampled_rows(indices, weights, 3, shifted=False)
    assert rows[:, 0].tolist() == [0, 2, 3]
    assert sums.tolist() == [[0.5, 0.25, 0.25], [1, 0, 0], [1, 0, 0]]
    rows, sums = upsampled_rows(indices, weights, 3, shifted=True)
    assert rows[:, 0].tolist() == [2, 3]
    assert sums.tolist() == [[1, 0, 0], [1, 0, 0]]
