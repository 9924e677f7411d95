"""What a network of heat diffusion has to know of a surface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh.eigenpairs import smallest_eigenpairs
from lightning_face.mesh.laplacian import cloud_laplacian, cotangent_laplacian
from lightning_face.mesh.mesh_file import Mesh
from lightning_face.mesh.tangent_frames import (
    cloud_normals,
    nearest_neighbours,
    tangent_frames,
    vertex_normals,
)
from lightning_face.mesh.tangent_gradient import mean_squared_edge, tangent_gradient

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = [
    "GradientRegularization",
    "OperatorSettings",
    "SurfaceOperators",
    "operator_arrays",
    "surface_operators",
]

GradientRegularization = Literal["absolute", "relative"]

_ABSOLUTE_REGULARIZATION = 1e-5
_RELATIVE_REGULARIZATION = 1e-3
_ABSOLUTE_EPSILON = 1e-6
_RELATIVE_EPSILON = 1e-3
_NEIGHBOURS = 30


@dataclass(frozen=True)
class OperatorSettings:
    """What operators depend on apart from the mesh.

    Attributes:
        num_eigenpairs: Number of eigenpairs of the Laplacian.
        gradient_regularization: ``absolute`` adds 1e-5 square metres to the systems of the
            gradients, as published networks expect: gradients shrink as meshes get finer.
            ``relative`` adds 1e-3 times the mean squared edge length and suits every scale.
    """

    num_eigenpairs: int = 128
    gradient_regularization: GradientRegularization = "absolute"

    def __post_init__(self) -> None:
        """Refuse settings out of their range."""
        if self.num_eigenpairs < 1:
            raise ConfigError(f"num_eigenpairs must be at least 1, not {self.num_eigenpairs}")
        if self.gradient_regularization not in ("absolute", "relative"):
            raise ConfigError(
                "gradient_regularization must be absolute or relative, not "
                f"{self.gradient_regularization!r}"
            )


@dataclass(frozen=True)
class SurfaceOperators:
    """Operators of one surface, float32 as networks take them.

    Both gradients are CSR matrices ``(vertices, vertices)`` of one pattern; each row of it is
    ascending and has a diagonal entry.

    Attributes:
        mass: Area around each vertex ``(vertices,)``, in square metres.
        eigenvalues: Smallest eigenvalues of the Laplacian ``(eigenpairs,)``, ascending, in 1/m^2.
        eigenbasis: Their eigenvectors ``(vertices, eigenpairs)``, orthonormal under ``mass``.
        indptr: Start of each row in ``indices``, int64 ``(vertices + 1,)``.
        indices: Column of each stored entry, int64.
        gradient_x: Entries of the derivative along the first tangent axis, in 1/m.
        gradient_y: Entries of the derivative along the second tangent axis, in 1/m.
    """

    mass: Tensor
    eigenvalues: Tensor
    eigenbasis: Tensor
    indptr: Tensor
    indices: Tensor
    gradient_x: Tensor
    gradient_y: Tensor

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> SurfaceOperators:
        """Wrap the arrays of `operator_arrays`, without a copy."""
        import torch

        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    @property
    def num_vertices(self) -> int:
        """Number of vertices of the surface."""
        return len(self.mass)

    @property
    def num_eigenpairs(self) -> int:
        """Number of eigenpairs kept."""
        return len(self.eigenvalues)

    def to(self, device: torch.device | str) -> SurfaceOperators:
        """Copy the operators to a device."""
        tensors = (getattr(self, field.name) for field in fields(self))
        return SurfaceOperators(*(tensor.to(device) for tensor in tensors))

    def truncated(self, num_eigenpairs: int) -> SurfaceOperators:
        """Keep the smallest eigenpairs.

        Args:
            num_eigenpairs: How many, at most as many as there are.

        Raises:
            ConfigError: There are fewer.
        """
        if not 1 <= num_eigenpairs <= self.num_eigenpairs:
            raise ConfigError(
                f"{num_eigenpairs} eigenpairs were asked for of operators that have "
                f"{self.num_eigenpairs}"
            )
        if num_eigenpairs == self.num_eigenpairs:
            return self
        return SurfaceOperators(
            self.mass,
            self.eigenvalues[:num_eigenpairs].clone(),
            self.eigenbasis[:, :num_eigenpairs].contiguous(),
            self.indptr,
            self.indices,
            self.gradient_x,
            self.gradient_y,
        )


def surface_operators(
    mesh: Mesh,
    num_eigenpairs: int = 128,
    gradient_regularization: GradientRegularization = "absolute",
    name: str = "the mesh",
) -> SurfaceOperators:
    """Compute the operators of a mesh, or of a point cloud where there are no faces.

    Edges may have any number of faces, parts may be disconnected, vertices may be unused or
    duplicated and faces may have no area. The same input always gives the same output.

    Args:
        mesh: Surface or cloud, in metres.
        num_eigenpairs: Number of eigenpairs of the Laplacian, at most the number of vertices.
        gradient_regularization: As in `OperatorSettings`.
        name: How errors call the mesh, such as the path of its file.

    Returns:
        The operators, on the CPU.

    Raises:
        ConfigError: A setting is out of its range.
        DataError: The mesh is empty or too small, has positions that are not finite, or names
            vertices that it does not have; or its Laplacian cannot be solved.

    Source:
        Sharp et al., "DiffusionNet", 2022, section 3.
    """
    settings = OperatorSettings(num_eigenpairs, gradient_regularization)
    return SurfaceOperators.from_arrays(operator_arrays(mesh, settings, name))


def operator_arrays(
    mesh: Mesh, settings: OperatorSettings, name: str = "the mesh"
) -> dict[str, NDArray[Any]]:
    """Compute operators without torch, for processes that do nothing else.

    Args:
        mesh: The same as of `surface_operators`, as are the errors.
        settings: What to compute.
        name: How errors call the mesh.

    Returns:
        The attributes of `SurfaceOperators` by name.
    """
    vertices, faces = _checked(mesh, settings.num_eigenpairs, name)
    relative = settings.gradient_regularization == "relative"
    if len(faces):
        laplacian, mass = cotangent_laplacian(vertices, faces)
        edges = laplacian.tocoo()
        inside = edges.row != edges.col
        rows, columns = edges.row[inside].astype(np.int64), edges.col[inside].astype(np.int64)
        epsilon = _ABSOLUTE_EPSILON
        if relative:
            epsilon = _RELATIVE_EPSILON * mean_squared_edge(vertices, rows, columns)
        normals = vertex_normals(vertices, faces, epsilon)
    else:
        laplacian, mass = cloud_laplacian(vertices)
        neighbours = nearest_neighbours(vertices, _NEIGHBOURS)
        rows, columns = np.repeat(np.arange(len(vertices)), _NEIGHBOURS), neighbours.ravel()
        normals = cloud_normals(vertices, neighbours)
    regularization = _ABSOLUTE_REGULARIZATION
    if relative:
        regularization = _RELATIVE_REGULARIZATION * mean_squared_edge(vertices, rows, columns)
    gradient = tangent_gradient(vertices, tangent_frames(normals), rows, columns, regularization)
    indptr, indices, gradient_x, gradient_y = gradient
    eigenvalues, eigenbasis = smallest_eigenpairs(laplacian, mass, settings.num_eigenpairs, name)
    floats = {
        "mass": mass,
        "eigenvalues": eigenvalues,
        "eigenbasis": eigenbasis,
        "gradient_x": gradient_x,
        "gradient_y": gradient_y,
    }
    arrays = {key: values.astype(np.float32, order="C") for key, values in floats.items()}
    return {**arrays, "indptr": indptr, "indices": indices}


def _checked(
    mesh: Mesh, num_eigenpairs: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int64)
    if not len(vertices):
        raise DataError(f"{name} has no vertices; give a surface or a cloud of points")
    if vertices.shape != (len(vertices), 3) or faces.shape != (len(faces), 3):
        raise DataError(
            f"{name} has vertices of shape {vertices.shape} and faces of shape {faces.shape}; "
            "both must have three columns"
        )
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise DataError(
            f"{name}: vertex {bad[0]} is not finite, as are {len(bad)} in all; remove or repair "
            "these vertices"
        )
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise DataError(
            f"{name} has faces that name vertices from {faces.min()} to {faces.max()}, but only "
            f"{len(vertices)} vertices, counted from 0"
        )
    if num_eigenpairs > len(vertices):
        raise DataError(
            f"{name} has {len(vertices)} vertices, too few for {num_eigenpairs} eigenpairs; ask "
            f"for at most {len(vertices)} or subdivide the surface"
        )
    if not len(faces) and len(vertices) <= _NEIGHBOURS:
        raise DataError(
            f"{name} is a cloud of {len(vertices)} points; {_NEIGHBOURS + 1} are the fewest whose "
            "neighbourhoods can be looked at"
        )
    if np.ptp(vertices, axis=0).max() == 0:
        raise DataError(f"{name} has all its vertices in one place; its surface has no area")
    return vertices, faces
