"""Whether a mesh has the topology that a network was trained on."""

from __future__ import annotations

import numpy as np

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

__all__ = ["check_topology"]

# Polygons may have been cut into other triangles; vertices in another order share next to nothing.
_LEAST_SHARED = 0.9
_REMEDY = (
    "a network moves vertices by their numbers. Register the template of that topology to your "
    "face (non-rigid registration deforms it until it lies on the scan) and give the result"
)


def check_topology(mesh: Mesh, tables: SpiralTables, name: str) -> None:
    """Make sure that a network can move a mesh.

    Every spiral begins with a vertex and one of its neighbours, so the spirals know edges of the
    topology.

    Args:
        mesh: A face.
        tables: Mesh hierarchy of the network.
        name: How errors call the mesh.

    Raises:
        DataError: The mesh has another topology.
    """
    size = tables.level_sizes[0]
    if len(mesh.vertices) != size:
        raise DataError(
            f"{name} has {len(mesh.vertices):,} vertices, but the network was trained on faces of "
            f"{size:,}: {_REMEDY}"
        )
    if not len(mesh.faces):
        raise DataError(f"{name} is a cloud of points; give a mesh with triangles")
    if tables.spiral_lengths[0] < 2:
        return
    spirals = tables.get_buffer("spirals_0").cpu().numpy()[:size, :2].astype(np.int64)
    spirals = spirals[(spirals >= 0).all(axis=1)]
    sides = mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    known, present = (np.sort(edges, axis=1) @ (size, 1) for edges in (spirals, sides))
    if np.isin(known, present).mean() < _LEAST_SHARED:
        raise DataError(
            f"{name} has as many vertices as the faces that the network was trained on, but they "
            f"are connected otherwise, or numbered in another order: {_REMEDY}, in a format "
            "that keeps the order, such as PLY or OBJ"
        )
