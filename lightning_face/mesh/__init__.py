"""Meshes and point clouds: files, checks, alignment, and operators of their surfaces.

Nothing is imported before its first use; only operators need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.mesh.mesh_file import MESH_SUFFIXES, Mesh, read_mesh, write_mesh
    from lightning_face.mesh.operators import (
        GradientRegularization,
        OperatorSettings,
        SurfaceOperators,
        surface_operators,
    )

__all__ = [
    "MESH_SUFFIXES",
    "GradientRegularization",
    "Mesh",
    "OperatorSettings",
    "SurfaceOperators",
    "read_mesh",
    "surface_operators",
    "write_mesh",
]

lazy_package(
    __name__,
    {
        "mesh_file": ["MESH_SUFFIXES", "Mesh", "read_mesh", "write_mesh"],
        "operators": [
            "GradientRegularization",
            "OperatorSettings",
            "SurfaceOperators",
            "surface_operators",
        ],
    },
)
