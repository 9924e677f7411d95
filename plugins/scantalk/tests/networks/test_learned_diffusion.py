from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_scantalk.networks.learned_diffusion import LearnedTimeDiffusion
from lightning_face_scantalk.networks.mesh_operators import MeshOperators


def diffusion_of(times, method="spectral"):
    diffusion = LearnedTimeDiffusion(len(times), method).eval()
    diffusion.times.data = torch.tensor(times)
    return diffusion


def test_heat_is_neither_made_nor_lost(operators):
    signal = torch.rand(operators.num_vertices, 2, 3)
    spread = diffusion_of([1e-5, 1e-3, 1e-1])(signal, operators)
    before, after = (torch.einsum("v,vtc->tc", operators.mass, each) for each in (signal, spread))
    torch.testing.assert_close(after, before, atol=1e-6, rtol=1e-3)


def test_longer_times_leave_less_of_a_difference(operators):
    signal = operators.eigenbasis[:, 5:6].expand(-1, 3)
    spread = diffusion_of([1e-5, 1e-4, 1e-3])(signal, operators)
    sizes = spread.norm(dim=0)
    assert (sizes[:-1] > sizes[1:]).all()
    expected = torch.exp(-operators.eigenvalues[5] * torch.tensor([1e-5, 1e-4, 1e-3]))
    torch.testing.assert_close(sizes / signal.norm(dim=0), expected, atol=1e-4, rtol=1e-4)


def test_each_channel_has_a_time_of_its_own(operators):
    signal = torch.rand(operators.num_vertices, 2)
    together = diffusion_of([1e-4, 1e-2])(signal, operators)
    for channel, time in enumerate([1e-4, 1e-2]):
        alone = diffusion_of([time])(signal[:, [channel]], operators)
        torch.testing.assert_close(together[:, [channel]], alone)


def test_evaluation_leaves_the_times_alone(operators):
    diffusion = diffusion_of([-1.0, 0.0])
    signal = torch.rand(operators.num_vertices, 2)
    spread = diffusion(signal, operators)
    assert diffusion.times.tolist() == [-1.0, 0.0]
    torch.testing.assert_close(spread, diffusion_of([1e-8, 1e-8])(signal, operators))


def test_training_starts_times_below_the_limit_from_it(operators):
    diffusion = diffusion_of([-1.0, 0.0, 0.5]).train()
    # two surfaces before one backward pass
    for _ in range(2):
        diffusion(torch.rand(operators.num_vertices, 3), operators).square().sum().backward()
    torch.testing.assert_close(diffusion.times.detach(), torch.tensor([1e-8, 1e-8, 0.5]))
    # so that they can grow
    assert (diffusion.times.grad[:2] != 0).all()


def test_implicit_step_solves_the_heat_equation(head, operators):
    size = operators.num_vertices
    basis, values = operators.eigenbasis, operators.eigenvalues
    weighted = basis * operators.mass[:, None]
    # of the eigenpairs at hand, and stiff against all that is not in their span
    laplacian = weighted @ torch.diag(values) @ weighted.t()
    prepared = MeshOperators.from_surface(head[1], laplacian)
    signal = basis @ torch.randn(24, 2)
    spread = diffusion_of([1e-3, 1e-2], "implicit")(signal, prepared)
    coefficients = operators.to_spectral(signal)
    expected = basis @ (coefficients / (1 + values[:, None] * torch.tensor([1e-3, 1e-2])))
    torch.testing.assert_close(spread, expected, atol=1e-2, rtol=1e-3)
    frames = signal[:, None].expand(size, 3, 2)
    together = diffusion_of([1e-3, 1e-2], "implicit")(frames, prepared)
    torch.testing.assert_close(together[:, 1], spread)


def test_implicit_step_needs_a_laplacian(operators):
    with pytest.raises(ConfigError, match="operators with a Laplacian"):
        diffusion_of([1e-3], "implicit")(torch.rand(operators.num_vertices, 1), operators)


def test_unknown_method():
    with pytest.raises(ConfigError, match="spectral or implicit, not 'explicit'"):
        LearnedTimeDiffusion(3, "explicit")
