"""Pictures of triangle meshes, drawn on the CPU without a display."""

from __future__ import annotations

from lightning_face.render.camera import AffineCamera, Camera, Pose, front_view
from lightning_face.render.color_map import heat_colors
from lightning_face.render.head_panel import HeadPanel, contact_sheet
from lightning_face.render.mesh import render_mesh
from lightning_face.render.shading import shade, vertex_normals
from lightning_face.render.sound_strip import SoundStrip
from lightning_face.render.talking_head import VIEWS, ComparisonVideo, SpeechVideo

__all__ = [
    "VIEWS",
    "AffineCamera",
    "Camera",
    "ComparisonVideo",
    "HeadPanel",
    "Pose",
    "SoundStrip",
    "SpeechVideo",
    "contact_sheet",
    "front_view",
    "heat_colors",
    "render_mesh",
    "shade",
    "vertex_normals",
]
