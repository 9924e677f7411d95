"""Neutral heads of the subjects of a data set."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face_scantalk.data.layout import HeadLayout

__all__ = ["TemplateBook", "read_array_pickle"]

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


def read_array_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Read a pickled dictionary of NumPy arrays, also one of Python 2, without running any code.

    Args:
        path: The file, which is there.

    Raises:
        DataError: The file is empty, damaged, or asks for anything but NumPy arrays.
    """
    content = path.read_bytes()
    if not content:
        raise DataError(f"{path} is empty")
    try:
        found = _ArrayUnpickler(path, io.BytesIO(content)).load()
    except DataError:
        raise
    except Exception as error:
        # damaged bytes make the unpickler raise errors of any kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} is damaged or no pickle: {reason}") from error
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path} holds no dictionary of arrays")
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, np.ndarray):
            raise DataError(f"{path}: the entry {key!r} is not an array under a name")
    return found


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler to which nothing but NumPy arrays exists."""

    def __init__(self, path: Path, file: io.BytesIO) -> None:
        super().__init__(file, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        # the module moved in NumPy 2
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _empty_array
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):
            return _latin1_bytes
        raise DataError(
            f"{self._path} was not read: it asks for {module}.{name}, and anything but NumPy "
            "arrays could run code"
        )


def _empty_array(kind: Any, shape: Any, code: Any) -> NDArray[Any]:  # noqa: ANN401
    """Stand in for NumPy's own function; the content of the array follows in the pickle."""
    if kind is not np.ndarray:
        raise TypeError("no array")
    return np.ndarray(shape, np.int8)


def _latin1_bytes(text: str, encoding: str) -> bytes:
    """Return the bytes that Python 3 stores as text for the pickles of Python 2."""
    if encoding != "latin1":
        raise ValueError(f"bytes as {encoding}")
    return text.encode("latin1")


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
