"""Operators of a surface with a least-squares problem for each vertex in turn."""

from __future__ import annotations

import numpy as np
import potpourri3d
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from lightning_face.mesh import Mesh
from lightning_face.mesh.tangent_frames import tangent_frames, vertex_normals

__all__ = ["surface_operators"]

Floats = NDArray[np.float64]


def surface_operators(
    mesh: Mesh, num_eigenpairs: int
) -> dict[str, Floats | scipy.sparse.csr_array]:
    """Give ``mass``, ``eigenvalues``, ``eigenbasis``, ``gradient_x`` and ``gradient_y``."""
    laplacian = potpourri3d.cotan_laplacian(mesh.vertices, mesh.faces, denom_eps=1e-10)
    mass = potpourri3d.vertex_areas(mesh.vertices, mesh.faces)
    mass += 1e-8 * mass.mean()
    eigenvalues, eigenbasis = scipy.sparse.linalg.eigsh(
        laplacian + scipy.sparse.identity(len(mass)) * 1e-8,
        k=num_eigenpairs,
        M=scipy.sparse.diags(mass),
        sigma=1e-8,
    )
    frames = tangent_frames(vertex_normals(mesh.vertices, mesh.faces))
    gradient_x, gradient_y = gradients(mesh.vertices, frames, laplacian)
    return {
        "mass": mass,
        "eigenvalues": np.clip(eigenvalues, 0, None),
        "eigenbasis": eigenbasis,
        "gradient_x": gradient_x,
        "gradient_y": gradient_y,
    }


def gradients(
    vertices: Floats, frames: Floats, laplacian: scipy.sparse.spmatrix
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
    """Fit the gradient of every vertex to the differences with its neighbours."""
    edges = laplacian.tocoo()
    neighbours: list[list[int]] = [[] for _ in vertices]
    for row, column in zip(edges.row.tolist(), edges.col.tolist(), strict=True):
        if row != column:
            neighbours[row].append(column)
    rows, columns, values = [], [], []
    for vertex, others in enumerate(neighbours):
        tangents = np.zeros((len(others), 2))
        differences = np.zeros((len(others), len(others) + 1))
        for i, other in enumerate(others):
            tangents[i] = frames[vertex, :2] @ (vertices[other] - vertices[vertex])
            differences[i, 0], differences[i, i + 1] = -1.0, 1.0
        system = np.linalg.inv(tangents.T @ tangents + 1e-5 * np.identity(2)) @ tangents.T
        weights = system @ differences
        for i, column in enumerate([vertex, *others]):
            rows.append(vertex)
            columns.append(column)
            values.append(weights[:, i])
    shape = (len(vertices), len(vertices))
    both = np.array(values)
    return (
        scipy.sparse.csr_array((both[:, 0], (rows, columns)), shape=shape),
        scipy.sparse.csr_array((both[:, 1], (rows, columns)), shape=shape),
    )
