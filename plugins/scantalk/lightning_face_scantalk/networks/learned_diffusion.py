"""Heat diffusion whose time is learned, one for each channel."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError
from lightning_face_scantalk.networks.mesh_operators import MeshOperators

__all__ = ["DiffusionMethod", "LearnedTimeDiffusion"]

DiffusionMethod = Literal["spectral", "implicit"]

# smallest diffusion time, in square metres
MIN_TIME = 1e-8


class LearnedTimeDiffusion(nn.Module):
    """Let each channel spread over the surface for a time of its own.

    Times below 1e-8 count as 1e-8. In training they are set to it, as in the published code: a
    time that an optimiser has driven below zero starts again from the limit.

    Args:
        channels: Number of channels.
        method: ``"spectral"`` sums eigenvectors; ``"implicit"`` takes one backward Euler step,
            which needs operators with a Laplacian.

    Raises:
        ConfigError: There is no such method.

    Source: Sharp et al., DiffusionNet, section 3.2.
    """

    def __init__(self, channels: int, method: DiffusionMethod = "spectral") -> None:
        super().__init__()
        if method not in ("spectral", "implicit"):
            msg = f"the method of diffusion is spectral or implicit, not {method!r}"
            raise ConfigError(msg)
        self.method = method
        self.times = nn.Parameter(torch.zeros(channels))

    def forward(self, signal: Tensor, operators: MeshOperators) -> Tensor:
        """Diffuse a signal ``(vertices, ..., channels)``, in the precision of the operators."""
        if self.training:
            # through .data: several surfaces share the times before one backward pass, and the
            # value that was saved for it does not change
            self.times.data.clamp_(min=MIN_TIME)
        times = self.times.clamp(min=MIN_TIME).to(operators.mass.dtype)
        if self.method == "implicit":
            return self._implicit(signal, operators, times)
        decay = torch.exp(-operators.eigenvalues[:, None] * times)
        decay = decay.view(-1, *[1] * (signal.ndim - 2), len(times))
        return operators.from_spectral(operators.to_spectral(signal) * decay)

    def _implicit(self, signal: Tensor, operators: MeshOperators, times: Tensor) -> Tensor:
        """Solve ``(M + time L) y = M x`` for each channel by a dense Cholesky factorisation."""
        if operators.laplacian is None:
            msg = "implicit diffusion needs operators with a Laplacian"
            raise ConfigError(msg)
        mass = operators.mass
        systems = torch.diag(mass) + times[:, None, None] * operators.laplacian
        weighted = mass.view(-1, *[1] * (signal.ndim - 1)) * signal.to(mass.dtype)
        right = weighted.flatten(1, -2) if signal.ndim > 2 else weighted[:, None]
        solved = torch.cholesky_solve(right.permute(2, 0, 1), torch.linalg.cholesky(systems))
        return solved.permute(1, 2, 0).reshape(signal.shape)
