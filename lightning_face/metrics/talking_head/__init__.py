"""Measures of talking heads: sequences of meshes that speak.

Each is a function of one sequence and a metric that gathers sequences.
"""

from __future__ import annotations

from lightning_face.metrics.talking_head.chamfer import ChamferDistance, chamfer_distance
from lightning_face.metrics.talking_head.hausdorff import HausdorffDistance, hausdorff_distance
from lightning_face.metrics.talking_head.lip_dtw import LipDynamicTimeWarping, lip_dtw
from lightning_face.metrics.talking_head.lip_frechet import (
    LipDiscreteFrechetDistance,
    lip_frechet_distance,
)
from lightning_face.metrics.talking_head.lip_velocity import LipVelocity, compare_lip_velocities
from lightning_face.metrics.talking_head.lip_vertex_error import LipVertexError, lip_vertex_error
from lightning_face.metrics.talking_head.mean_vertex_error import (
    MeanVertexError,
    mean_vertex_error,
)
from lightning_face.metrics.talking_head.mouth_opening import (
    MouthOpening,
    compare_mouth_openings,
    mouth_opening,
)
from lightning_face.metrics.talking_head.upper_face_dynamics import (
    UpperFaceDynamicsDeviation,
    upper_face_dynamics_deviation,
)
from lightning_face.metrics.talking_head.varifold import (
    VarifoldDistance,
    squared_varifold_distance,
    varifold_distance,
)

__all__ = [
    "ChamferDistance",
    "HausdorffDistance",
    "LipDiscreteFrechetDistance",
    "LipDynamicTimeWarping",
    "LipVelocity",
    "LipVertexError",
    "MeanVertexError",
    "MouthOpening",
    "UpperFaceDynamicsDeviation",
    "VarifoldDistance",
    "chamfer_distance",
    "compare_lip_velocities",
    "compare_mouth_openings",
    "hausdorff_distance",
    "lip_dtw",
    "lip_frechet_distance",
    "lip_vertex_error",
    "mean_vertex_error",
    "mouth_opening",
    "squared_varifold_distance",
    "upper_face_dynamics_deviation",
    "varifold_distance",
]
