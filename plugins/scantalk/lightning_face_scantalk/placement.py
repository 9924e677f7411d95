"""Bringing a mesh to where the network expects heads: metres, upright, face to the front."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh
from lightning_face.mesh.alignment import (
    SimilarityTransform,
    align_landmarks,
    align_to_reference,
    length_unit,
)

__all__ = [
    "TRAINING_LANDMARKS",
    "Unit",
    "place_automatically",
    "place_by_landmarks",
    "place_by_unit",
    "read_landmarks",
]

Floats = NDArray[np.float64]
Unit = Literal["auto", "m", "cm", "mm"]

TRAINING_LANDMARKS: Mapping[str, Floats] = {
    name: np.array(position)
    for name, position in {
        "nose_tip": (0.0, -0.007, 0.078),
        "nose_bridge": (0.0, 0.027, 0.052),
        "right_eye_outer": (-0.046, 0.021, 0.029),
        "right_eye_inner": (-0.018, 0.021, 0.037),
        "left_eye_inner": (0.018, 0.021, 0.037),
        "left_eye_outer": (0.046, 0.021, 0.029),
        "mouth_right": (-0.024, -0.050, 0.044),
        "mouth_left": (0.024, -0.050, 0.044),
    }.items()
}
"""Where the training heads have their landmarks, in metres; left and right are the subject's.

Means over heads of VOCAset, on which BIWI and Multiface are aligned, to the millimetre.
"""

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}


def place_by_unit(mesh: Mesh, unit: Unit, name: str) -> SimilarityTransform:
    """Bring a mesh to metres and leave it where it is.

    Args:
        mesh: The mesh as in its file.
        unit: Its unit of length; ``auto`` tells it by the size of the head.
        name: How errors call the mesh.

    Raises:
        DataError: The unit cannot be told.
    """
    found = length_unit(mesh.vertices) if unit == "auto" else unit
    if found is None:
        size = np.ptp(mesh.vertices, axis=0).max()
        raise DataError(
            f"{name} is {size:.4g} units large, which is a head neither in m, nor in cm, nor in "
            "mm: align it, which finds its size (--align), or name its unit (--unit)"
        )
    return SimilarityTransform(np.eye(3), np.zeros(3), _METRES[found])


def place_automatically(mesh: Mesh, unit: Unit, reference: Mesh) -> SimilarityTransform:
    """Bring a mesh onto a reference head, from wherever it lies.

    Args:
        mesh: The mesh as in its file.
        unit: Its unit of length; where ``auto`` cannot tell it, its size is matched as well.
        reference: Head in the place of the training heads.

    Raises:
        DataError: The mesh is too small to be aligned.
    """
    scale = _scale(mesh.vertices, unit)
    found, _ = align_to_reference(
        mesh.vertices * (scale or 1.0), reference.vertices, scaling=scale is None
    )
    return _after_scale(found, scale)


def place_by_landmarks(
    mesh: Mesh, unit: Unit, landmarks: Mapping[str, Floats], reference: Mapping[str, Floats]
) -> SimilarityTransform:
    """Bring the landmarks of a mesh onto those of a reference head.

    Args:
        mesh: The mesh as in its file.
        unit: Its unit of length; where ``auto`` cannot tell it, its size is matched as well.
        landmarks: Positions on the mesh by name.
        reference: Positions on the reference head by name, such as `TRAINING_LANDMARKS`.

    Raises:
        DataError: Fewer than three names are in both, or the landmarks lie on a line.
    """
    names = sorted(landmarks.keys() & reference.keys())
    if len(names) < 3:
        raise DataError(
            f"the landmarks ({', '.join(sorted(landmarks))}) and those of the reference "
            f"({', '.join(sorted(reference))}) have {len(names)} names in common; three are needed"
        )
    scale = _scale(mesh.vertices, unit)
    source = np.stack([landmarks[name] for name in names]) * (scale or 1.0)
    target = np.stack([reference[name] for name in names])
    return _after_scale(align_landmarks(source, target, scaling=scale is None), scale)


def read_landmarks(path: Path, mesh: Mesh) -> dict[str, Floats]:
    """Read named landmarks of a mesh.

    Args:
        path: JSON file: an object whose values are positions ``[x, y, z]`` in the unit of the
            mesh, or numbers of vertices, counted from 0.
        mesh: The mesh that they are on.

    Returns:
        Positions ``(3,)`` by name.

    Raises:
        DataError: The file is missing or holds anything else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no object of landmarks by name")
    found = {}
    for name, value in content.items():
        if type(value) is int:
            if not 0 <= value < len(mesh.vertices):
                raise DataError(f"{path}: {name} is vertex {value} of {len(mesh.vertices)}")
            found[name] = mesh.vertices[value]
            continue
        try:
            found[name] = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            found[name] = np.empty(0)
        if found[name].shape != (3,) or not np.isfinite(found[name]).all():
            raise DataError(f"{path}: {name} is neither [x, y, z] nor the number of a vertex")
    return found


def _scale(vertices: Floats, unit: Unit) -> float | None:
    found = length_unit(vertices) if unit == "auto" else unit
    if found is not None and found not in _METRES:
        raise ConfigError(f"--unit {unit}: give auto, m, cm or mm")
    return None if found is None else _METRES[found]


def _after_scale(found: SimilarityTransform, scale: float | None) -> SimilarityTransform:
    return SimilarityTransform(found.rotation, found.translation, found.scale * (scale or 1.0))
