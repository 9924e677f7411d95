"""Neutral heads of the subjects of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.array_pickle import read_array_pickle
from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face_scantalk.data.layout import HeadLayout

__all__ = ["TemplateBook"]

Floats = NDArray[np.float64]


class TemplateBook:
    """Neutral heads of one data set, read when they are asked for.

    Args:
        folder: Folder of the data set.
        layout: Where its files are.

    Attributes:
        shown: The head that the file of the faces shows.
        faces: Triangles of all heads ``(faces, 3)``.
        num_vertices: Vertices of each head.

    Raises:
        DataError: The faces, or a pickle of templates, are missing or damaged.
    """

    def __init__(self, folder: Path, layout: HeadLayout) -> None:
        self.folder = folder
        self.layout = layout
        self.faces_path = folder / layout.faces
        if not self.faces_path.is_file():
            raise DataError(
                f"{self.faces_path}, which has the faces of {layout.name}, is missing; get "
                f"{layout.source}"
            )
        self.shown = read_mesh(self.faces_path)
        if not len(self.shown.faces):
            raise DataError(f"{self.faces_path} has no faces")
        self.faces = self.shown.faces
        self.num_vertices = len(self.shown.vertices)
        self._pickled: dict[str, NDArray[Any]] | None = None
        if layout.templates.endswith(".pkl"):
            path = folder / layout.templates
            if not path.is_file():
                raise DataError(f"{path} is missing; get {layout.source}")
            self._pickled = read_array_pickle(path)

    def path(self, subject: str) -> Path:
        """Return the file that has, or would have, the neutral head of a subject.

        Args:
            subject: Name of the subject.
        """
        return self.folder / self.layout.templates.format(subject=subject)

    def describe(self, subject: str) -> str:
        """Return how errors call the neutral head of a subject.

        Args:
            subject: Name of the subject.
        """
        path = self.path(subject)
        return str(path) if self._pickled is None else f"{path}, entry {subject}"

    def has(self, subject: str) -> bool:
        """Tell whether there is a neutral head of a subject.

        Args:
            subject: Name of the subject.
        """
        if self._pickled is not None:
            return subject in self._pickled
        return self.path(subject).is_file()

    def read(self, subject: str) -> Mesh:
        """Return the neutral head of a subject, in metres.

        Args:
            subject: Name of the subject.

        Raises:
            DataError: It is missing or damaged, or has other vertices than the faces count on.
        """
        path = self.path(subject)
        if self._pickled is None:
            vertices = read_mesh(path).vertices
        elif subject in self._pickled:
            vertices = _positions(path, subject, self._pickled[subject])
        else:
            raise DataError(f"{path} has no template of {subject}")
        if len(vertices) != self.num_vertices:
            raise DataError(
                f"{path}: the template of {subject} has {len(vertices)} vertices, the faces of "
                f"{self.faces_path} are for {self.num_vertices}"
            )
        return Mesh(vertices, self.faces)


def _positions(path: Path, subject: str, value: NDArray[Any]) -> Floats:
    """Check an array and return it as positions ``(vertices, 3)``."""
    if value.dtype.kind not in "fiu" or value.ndim != 2 or value.shape[1] != 3:
        raise DataError(
            f"{path}: the template of {subject} is {value.dtype} of shape {value.shape}, not "
            "positions (vertices, 3)"
        )
    if not np.isfinite(value).all():
        raise DataError(f"{path}: the template of {subject} is not finite")
    return np.ascontiguousarray(value, dtype=np.float64)
