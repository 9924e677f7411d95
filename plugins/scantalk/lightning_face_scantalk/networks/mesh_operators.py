"""The operators of a surface as the networks use them: tensors on a device."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from lightning_face.errors import ConfigError
from lightning_face.mesh.operators import SurfaceOperators

__all__ = ["MeshOperators"]


@dataclass(frozen=True)
class MeshOperators:
    """Diffusion and gradients on one surface.

    Signals have the shape ``(vertices, channels)``, or ``(vertices, frames, channels)`` where
    many are on the same surface.

    Attributes:
        mass: Area of each vertex ``(vertices,)``, in square metres.
        eigenvalues: Of the Laplacian ``(eigenpairs,)``, ascending, in 1 / square metres.
        eigenbasis: Eigenvectors ``(vertices, eigenpairs)``, orthonormal under the mass.
        weighted_basis: Eigenvectors times mass ``(eigenpairs, vertices)``.
        gradients: Derivatives along both axes of the tangent frames, a sparse CSR matrix
            ``(2 * vertices, vertices)``: first all along X, then all along Y.
        gradients_transposed: Its transpose, CSR as well.
        laplacian: Weak Laplacian ``(vertices, vertices)``, dense; implicit diffusion needs it.
    """

    mass: Tensor
    eigenvalues: Tensor
    eigenbasis: Tensor
    weighted_basis: Tensor
    gradients: Tensor
    gradients_transposed: Tensor
    laplacian: Tensor | None = None

    @classmethod
    def from_surface(
        cls, surface: SurfaceOperators, laplacian: Tensor | None = None
    ) -> MeshOperators:
        """Prepare the operators of a surface, in single precision.

        It takes milliseconds; whoever uses a surface again keeps the result.

        Args:
            surface: Operators as they are computed and kept on disk.
            laplacian: Weak Laplacian ``(vertices, vertices)``, dense.

        Returns:
            Operators on the same device.
        """
        mass, basis = surface.mass.float(), surface.eigenbasis.float()
        size = len(mass)
        counts = surface.indptr.diff().repeat(2)
        rows = torch.arange(2 * size, device=mass.device).repeat_interleave(counts)
        columns = surface.indices.repeat(2)
        values = torch.cat([surface.gradient_x, surface.gradient_y]).float()
        order = columns.argsort(stable=True)
        return cls(
            mass=mass,
            eigenvalues=surface.eigenvalues.float(),
            eigenbasis=basis,
            weighted_basis=(basis * mass[:, None]).t().contiguous(),
            gradients=_csr(rows, columns, values, (2 * size, size)),
            gradients_transposed=_csr(columns[order], rows[order], values[order], (size, 2 * size)),
            laplacian=laplacian,
        )

    @property
    def num_vertices(self) -> int:
        """Number of vertices."""
        return len(self.mass)

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> MeshOperators:
        """Copy the operators to a device or to another floating-point type."""
        moved: dict[str, Any] = {
            field.name: None if value is None else value.to(device=device, dtype=dtype)
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }
        return MeshOperators(**moved)

    def truncate(self, num_eigenpairs: int) -> MeshOperators:
        """Keep the smoothest eigenpairs alone: less work, less detail.

        Args:
            num_eigenpairs: How many to keep.

        Raises:
            ConfigError: There are not as many.
        """
        present = len(self.eigenvalues)
        if not 0 < num_eigenpairs <= present:
            msg = f"num_eigenpairs is 1 to {present} for these operators, not {num_eigenpairs}"
            raise ConfigError(msg)
        return replace(
            self,
            eigenvalues=self.eigenvalues[:num_eigenpairs],
            eigenbasis=self.eigenbasis[:, :num_eigenpairs].contiguous(),
            weighted_basis=self.weighted_basis[:num_eigenpairs],
        )

    def to_spectral(self, signal: Tensor) -> Tensor:
        """Give the coefficients ``(eigenpairs, ...)`` of a signal ``(vertices, ...)``."""
        flat = signal.to(self.weighted_basis.dtype).flatten(1)
        return (self.weighted_basis @ flat).view(-1, *signal.shape[1:])

    def from_spectral(self, coefficients: Tensor) -> Tensor:
        """Give the signal ``(vertices, ...)`` of coefficients ``(eigenpairs, ...)``."""
        return (self.eigenbasis @ coefficients.flatten(1)).view(-1, *coefficients.shape[1:])

    def gradient(self, signal: Tensor) -> Tensor:
        """Give the derivatives ``(2, vertices, ...)`` of a signal ``(vertices, ...)``."""
        flat = signal.to(self.mass.dtype).flatten(1)
        derivatives: Tensor = _SparseProduct.apply(self.gradients, self.gradients_transposed, flat)
        return derivatives.view(2, *signal.shape)


class _SparseProduct(torch.autograd.Function):
    """Product of a constant CSR matrix and a dense one.

    PyTorch's own would transpose the matrix again in every backward pass.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, matrix: Tensor, transposed: Tensor, dense: Tensor) -> Tensor:
        ctx.transposed = transposed  # type: ignore[attr-defined]
        return matrix @ dense

    @staticmethod
    def backward(ctx: FunctionCtx, *gradient: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.transposed @ gradient[0].contiguous()  # type: ignore[attr-defined]


def _csr(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Make a sparse matrix of its entries, sorted by rows."""
    counts = torch.bincount(rows, minlength=shape[0])
    starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    with warnings.catch_warnings():
        # the layout is announced as beta; its products are long in use
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            starts.int(), columns.int(), values, shape, check_invariants=False
        )
