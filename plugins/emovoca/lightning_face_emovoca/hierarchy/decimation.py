"""Mesh hierarchies of any mesh."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh
from lightning_face_emovoca.hierarchy.connected_parts import connected_parts
from lightning_face_emovoca.hierarchy.edge_collapse import collapse_edges
from lightning_face_emovoca.hierarchy.hierarchy_cache import cached_hierarchy
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.spirals import (
    SpiralSettings,
    default_settings,
    spiral_tables,
)
from lightning_face_emovoca.hierarchy.upsampling import closest_triangle_weights

__all__ = ["build_hierarchy"]


def build_hierarchy(
    mesh: Mesh,
    num_levels: int = 4,
    factor: int = 4,
    reference_points: Sequence[int] | None = None,
) -> MeshHierarchy:
    """Make a hierarchy of a mesh, or read the one made before.

    Vertices are left out so that the surface changes little (`collapse_edges`), and are sampled
    up from the closest triangle of the coarser level. Spirals are made like the published ones.

    Args:
        mesh: The finest level, a surface in metres.
        num_levels: Levels below it.
        factor: How many times fewer vertices each level has.
        reference_points: Vertices from which spirals are oriented, one on each connected part;
            if None, the vertices next to the parts' centres.

    Raises:
        ConfigError: A number is out of range, or a reference point is not on the mesh.
        DataError: The mesh has no triangles, or too few vertices for so many levels.
    """
    if num_levels < 1 or factor < 2:
        raise ConfigError(
            f"num_levels is at least 1 and factor at least 2, not {num_levels} and {factor}"
        )
    if not len(mesh.faces):
        raise DataError("a mesh without triangles has no levels")
    settings = default_settings(mesh.vertices, mesh.faces, num_levels + 1)
    if reference_points is not None:
        points = tuple(int(point) for point in reference_points)
        settings = replace(settings, reference_points=points)
    digest = hashlib.sha256(np.ascontiguousarray(mesh.vertices, np.float64).tobytes())
    digest.update(np.ascontiguousarray(mesh.faces, np.int64).tobytes())
    key = f"built {digest.hexdigest()} {factor} {settings}"
    return cached_hierarchy(key, lambda: _make(mesh, factor, settings))


def _make(mesh: Mesh, factor: int, settings: SpiralSettings) -> MeshHierarchy:
    vertices = [np.asarray(mesh.vertices, np.float64)]
    faces = [np.asarray(mesh.faces, np.int64)]
    parts = connected_parts(faces[0], len(vertices[0]))
    down, up = [], []
    for level in range(1, len(settings.rings)):
        wanted = math.ceil(len(vertices[-1]) / factor)
        kept, triangles = collapse_edges(vertices[-1], faces[-1], wanted)
        if len(kept) > wanted:
            raise DataError(
                f"level {level} cannot have {wanted} vertices, {len(kept)} are needed for the "
                "connected parts and holes of the mesh; ask for fewer levels"
            )
        coarse, coarse_parts = vertices[-1][kept], parts[kept]
        up.append(closest_triangle_weights(vertices[-1], parts, coarse, triangles, coarse_parts))
        down.append(kept)
        vertices.append(coarse)
        faces.append(triangles)
        parts = coarse_parts
    return MeshHierarchy(vertices, faces, down, up, spiral_tables(vertices, faces, settings))
