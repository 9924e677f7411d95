"""Meshes and point clouds: files, checks, alignment, and operators of their surfaces.

Nothing is imported before its first use; only the operators themselves need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.mesh.alignment import (
        SimilarityTransform,
        align_landmarks,
        align_to_reference,
        length_unit,
    )
    from lightning_face.mesh.animation_file import MeshAnimation, open_animation, read_animation
    from lightning_face.mesh.mesh_file import MESH_SUFFIXES, Mesh, read_mesh, write_mesh
    from lightning_face.mesh.mesh_report import MeshReport, examine_mesh
    from lightning_face.mesh.operator_cache import BuildReport, build_operators, cached_operators
    from lightning_face.mesh.operators import (
        GradientRegularization,
        OperatorSettings,
        SurfaceOperators,
        surface_operators,
    )
    from lightning_face.mesh.welding import weld_vertices

__all__ = [
    "MESH_SUFFIXES",
    "BuildReport",
    "GradientRegularization",
    "Mesh",
    "MeshAnimation",
    "MeshReport",
    "OperatorSettings",
    "SimilarityTransform",
    "SurfaceOperators",
    "align_landmarks",
    "align_to_reference",
    "build_operators",
    "cached_operators",
    "examine_mesh",
    "length_unit",
    "open_animation",
    "read_animation",
    "read_mesh",
    "surface_operators",
    "weld_vertices",
    "write_mesh",
]

lazy_package(
    __name__,
    {
        "alignment": [
            "SimilarityTransform",
            "align_landmarks",
            "align_to_reference",
            "length_unit",
        ],
        "animation_file": ["MeshAnimation", "open_animation", "read_animation"],
        "mesh_report": ["MeshReport", "examine_mesh"],
        "welding": ["weld_vertices"],
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
