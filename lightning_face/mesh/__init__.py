"""Meshes and point clouds: files, checks, alignment, and operators of their surfaces.

Nothing is imported before its first use; only the operators themselves need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.mesh.mesh_file import MESH_SUFFIXES, Mesh, read_mesh, write_mesh
    from lightning_face.mesh.operator_cache import BuildReport, build_operators, cached_operators
    from lightning_face.mesh.operators import (
        GradientRegularization,
        OperatorSettings,
        SurfaceOperators,
        surface_operators,
    )

__all__ = [
    "MESH_SUFFIXES",
    "BuildReport",
    "GradientRegularization",
    "Mesh",
    "OperatorSettings",
    "SurfaceOperators",
    "build_operators",
    "cached_operators",
    "read_mesh",
    "surface_operators",
    "write_mesh",
]

lazy_package(
    __name__,
    {
        "mesh_file": ["MESH_SUFFIXES", "Mesh", "read_mesh", "write_mesh"],
        "operator_cache": ["BuildReport", "build_operators", "cached_operators"],
        "operators": [
            "GradientRegularization",
            "OperatorSettings",
            "SurfaceOperators",
            "surface_operators",
        ],
    },
)
