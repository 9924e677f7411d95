"""Meshes of expressions and the neutral meshes they belong to."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL, Emotion
from lightning_face_emovoca.data.layout import APEX_FRAME, EmoVOCALayout

__all__ = ["EXPRESSION_SOURCE", "ExpressiveIdentity", "NeutralMesh"]

EXPRESSION_SOURCE = (
    "the expressions from New_Conditions of github.com/miccunifi/EmoVOCA, and the neutral meshes "
    "from the Florence 4D Facial Expression data set (CoMA part; micc.unifi.it, on request), which "
    "lightning-face emovoca prepare-conditions puts in place"
)
"""Where expressive meshes are to be had, for messages."""

NeutralMesh = Literal["file", "mean"]
"""The neutral mesh of an identity is a file, or the mean of its expressions for trials."""

Floats = NDArray[np.float64]


class ExpressiveIdentity:
    """The expressions of one person; the neutral one needs no file and moves nothing.

    Args:
        layout: Where the meshes lie.
        name: Name of the identity, such as ``COMA_CH01``.
        faces: Triangles that all meshes have to have.
        neutral: Where the neutral mesh comes from.
    """

    def __init__(
        self,
        layout: EmoVOCALayout,
        name: str,
        faces: NDArray[np.int64],
        neutral: NeutralMesh = "file",
    ) -> None:
        self.layout = layout
        self.name = name
        self.faces = faces
        self.neutral_from = neutral

    @cached_property
    def neutral(self) -> Floats:
        """Positions of the neutral mesh in metres ``(vertices, 3)``.

        Raises:
            DataError: It is missing, damaged or of another topology.
        """
        if self.neutral_from == "mean":
            paths = [self.layout.condition(self.name, emotion) for emotion in EMOTIONS]
            found = [self._read(path) for path in paths if path.is_file()]
            if not found:
                raise DataError(f"{paths[0].parent} has no expression to take the mean of")
            mean: Floats = np.mean(found, axis=0)
            return mean
        path = self.layout.neutral(self.name)
        if not path.is_file():
            raise DataError(
                f"{path}, the neutral mesh of {self.name}, is missing; get {EXPRESSION_SOURCE}, or "
                "set expression_neutral to mean for a trial"
            )
        return self._read(path)

    def frames(self, emotion: Emotion) -> list[int]:
        """List the frames of an expression that are there, increasing; the apex is one of them.

        Args:
            emotion: The expression.

        Raises:
            DataError: The mesh of the apex is missing.
        """
        if emotion == NEUTRAL:
            return [APEX_FRAME]
        apex = self.layout.condition(self.name, emotion)
        if not apex.is_file():
            raise DataError(
                f"{apex}, an expression of {self.name}, is missing; get {EXPRESSION_SOURCE}"
            )
        pattern = re.compile(rf"{re.escape(emotion.file_name)}_(\d{{2,}})\.ply")
        names = (pattern.fullmatch(path.name) for path in apex.parent.iterdir())
        return sorted({int(name[1]) for name in names if name})

    def path(self, emotion: Emotion, frame: int = APEX_FRAME) -> Path:
        """Return the file of an expression.

        Args:
            emotion: The expression.
            frame: Frame of its sequence.
        """
        return self.layout.condition(self.name, emotion, frame)

    def displacement(self, emotion: Emotion, frame: int = APEX_FRAME) -> Floats:
        """Return how an expression differs from the neutral mesh, in metres ``(vertices, 3)``.

        Args:
            emotion: The expression.
            frame: Frame of its sequence.

        Raises:
            DataError: A mesh is missing, damaged or of another topology.
        """
        if emotion == NEUTRAL:
            return np.zeros_like(self.neutral)
        path = self.path(emotion, frame)
        if not path.is_file():
            raise DataError(
                f"{path}, an expression of {self.name}, is missing; get {EXPRESSION_SOURCE}"
            )
        return self._read(path) - self.neutral

    def _read(self, path: Path) -> Floats:
        mesh: Mesh = read_mesh(path)
        if not np.array_equal(mesh.faces, self.faces):
            raise DataError(
                f"{path} has {len(mesh.vertices)} vertices and {len(mesh.faces)} triangles, not "
                "those of the template: only meshes registered to it can be used"
            )
        return mesh.vertices
