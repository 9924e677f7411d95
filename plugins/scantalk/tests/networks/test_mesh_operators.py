from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_scantalk.networks.mesh_operators import MeshOperators


def dense_gradients(surface):
    rows = torch.arange(surface.num_vertices).repeat_interleave(surface.indptr.diff())
    for values in (surface.gradient_x, surface.gradient_y):
        matrix = torch.zeros(surface.num_vertices, surface.num_vertices)
        matrix[rows, surface.indices] = values
        yield matrix


def test_gradients_of_many_signals_are_those_of_each(head, operators):
    signal = torch.randn(operators.num_vertices, 3, 4)
    expected = torch.stack(
        [torch.einsum("vw,wtc->vtc", matrix, signal) for matrix in dense_gradients(head[1])]
    )
    torch.testing.assert_close(operators.gradient(signal), expected, atol=1e-4, rtol=1e-5)


def test_gradients_lead_back_through_the_transposed_matrix(operators):
    exact = operators.to(dtype=torch.float64)
    signal = torch.randn(exact.num_vertices, 2, 1, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, *signal.shape, dtype=torch.float64)
    (exact.gradient(signal) * weights).sum().backward()
    expected = exact.gradients.to_dense().t() @ weights.flatten(0, 1).flatten(1)
    torch.testing.assert_close(signal.grad.flatten(1), expected)


def test_signals_of_the_basis_come_back_from_their_coefficients(operators):
    coefficients = torch.randn(24, 2, 3)
    signal = operators.from_spectral(coefficients)
    assert signal.shape == (operators.num_vertices, 2, 3)
    torch.testing.assert_close(operators.to_spectral(signal), coefficients, atol=1e-5, rtol=1e-4)


def test_fewer_eigenpairs_keep_the_smoothest(operators):
    few = operators.truncate(10)
    signal = torch.randn(operators.num_vertices, 2)
    torch.testing.assert_close(few.to_spectral(signal), operators.to_spectral(signal)[:10])
    assert few.from_spectral(few.to_spectral(signal)).shape == signal.shape
    assert few.gradients is operators.gradients


@pytest.mark.parametrize("count", [0, 25])
def test_eigenpairs_that_are_not_there(operators, count):
    with pytest.raises(ConfigError, match="num_eigenpairs is 1 to 24"):
        operators.truncate(count)


def test_operators_move_as_a_whole(operators):
    moved = operators.to("meta", torch.float64)
    assert moved.laplacian is None
    tensors = [value for value in vars(moved).values() if value is not None]
    assert len(tensors) == 6
    assert all(value.is_meta and value.dtype == torch.float64 for value in tensors)


def test_a_laplacian_comes_along(head):
    laplacian = torch.eye(head[1].num_vertices)
    prepared = MeshOperators.from_surface(head[1], laplacian)
    assert torch.equal(prepared.truncate(3).to(dtype=torch.float64).laplacian, laplacian.double())
