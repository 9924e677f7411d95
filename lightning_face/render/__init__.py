"""Pictures of triangle meshes, drawn on the CPU without a display."""

from __future__ import annotations

from lightning_face.render.camera import AffineCamera, Camera, Pose, front_view
from lightning_face.render.mesh import render_mesh
from lightning_face.render.shading import shade, vertex_normals

__all__ = [
    "AffineCamera",
    "Camera",
    "Pose",
    "front_view",
    "render_mesh",
    "shade",
    "vertex_normals",
]
