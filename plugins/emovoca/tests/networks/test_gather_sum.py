from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face_emovoca.networks.gather_sum import gather_sum, gather_table

TARGETS = np.array([2, 0, 0, 2, 0, 3])
SOURCES = np.array([1, 0, 1, 1, 4, 2])
WEIGHTS = np.array([0.5, 2.0, -1.0, 0.25, 0.0, 3.0])


@pytest.fixture
def dense():
    matrix = torch.zeros(4, 5, dtype=torch.float64)
    for target, source, weight in zip(TARGETS, SOURCES, WEIGHTS, strict=True):
        matrix[target, source] += weight
    return matrix


@pytest.fixture
def table():
    return gather_table(TARGETS, SOURCES, WEIGHTS, 4, 5)


def test_is_the_product_with_the_matrix(table, dense):
    values = torch.randn(5, 3, dtype=torch.float64)
    assert torch.allclose(gather_sum(values, table), dense @ values)


def test_transposed_table_is_that_of_the_transposed_matrix(table, dense):
    values = torch.randn(4, 3, dtype=torch.float64)
    assert torch.allclose(gather_sum(values, table.transposed()), dense.T @ values)


def test_zeros_are_left_out(table):
    assert len(table.weights) == 5


def test_gradients(table):
    values = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: gather_sum(x, table), values)
    assert torch.autograd.gradgradcheck(lambda x: gather_sum(x, table), values)


def test_half_precision_is_summed_in_the_precision_of_the_table(table, dense):
    values = torch.randn(5, 3).bfloat16()
    summed = gather_sum(values, table.to(torch.device("cpu"), torch.float32))
    assert summed.dtype == torch.float32
    assert torch.allclose(summed, (dense @ values.double()).float())
