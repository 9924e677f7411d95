"""Reading face models: bases from NumPy or MATLAB files, the mean face from any mesh.

The published bases come without their mean face, and in one file for each basis; other models put
everything into one. Arrays are found by their shape first, which the mean face settles, and by
their name only where several have the same shape.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.mesh import MESH_SUFFIXES, Mesh, read_mesh
from lightning_face.morphable.model import Basis, LinearFaceModel
from lightning_face.optional import optional_import

__all__ = ["LANDMARK_SETS", "read_arrays", "read_face_model"]

Arrays = dict[str, NDArray[Any]]
Indices = NDArray[np.int64]

# Landmark sets by their number of points, for lists that are stored without a name.
LANDMARK_SETS = {68: "ibug68", 478: "mediapipe478"}

_PREFIX = "landmarks_"
_ONE_BASED = "_one_based"
_MEANS = ("template_n", "mean", "vertices", "template", "v")
_FACES = ("f", "faces", "triangles", "tri")


def read_face_model(
    bases: Path | str | Sequence[Path | str],
    mean: Path | str,
    landmarks: Path | str | None = None,
) -> LinearFaceModel:
    """Read a face model from its files.

    Args:
        bases: A ``.npz`` or ``.mat`` file with both bases, or two such files: identity, then
            expression. A basis is an array ``(3 * vertices, k)`` and an array of ``k`` weights.
        mean: Neutral face as ``.ply``, ``.obj``, ``.glb``, ``.npz`` or ``.mat``; in ``.mat`` files
            (such as ``template_n`` and ``f``) faces count vertices from 1.
        landmarks: ``.npz`` with arrays ``landmarks_NAME``, or ``.npy`` with one list of 68 or 478
            vertices, counted from 0; None takes the arrays that the files of the bases have.

    Returns:
        The model, with the faces of the mean and all landmark lists that were found.

    Raises:
        DataError: A file is missing, damaged or needs unpickling, an array is not to be found, or
            the mean face has another number of vertices than the bases.
    """
    shape = _read_mean(Path(mean))
    paths = [Path(bases)] if isinstance(bases, (Path, str)) else [Path(file) for file in bases]
    if len(paths) not in (1, 2):
        raise DataError(f"bases are one file or two (identity, expression), not {len(paths)}")
    tables = [read_arrays(path) for path in paths]
    rows = shape.vertices.size
    identity = _basis(tables[0], "identity", rows, paths[0], mean)
    expression = _basis(tables[-1], "expression", rows, paths[-1], mean)
    lists = _landmark_lists({name: array for table in tables for name, array in table.items()})
    if landmarks is not None:
        lists = _read_landmark_lists(Path(landmarks))
    return LinearFaceModel(shape.vertices, identity, expression, shape.faces, lists)


def read_arrays(path: Path) -> Arrays:
    """Read the plain arrays of a ``.npz`` or ``.mat`` file, never unpickling any.

    Raises:
        DataError: The file is missing, damaged, of another kind, or holds pickled objects.
    """
    if not path.is_file():
        raise DataError(f"no file {path}")
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".mat"):
        raise DataError(f"{path} cannot be read; arrays come as .npz or .mat")
    if suffix == ".mat":
        return _read_mat(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except ValueError as error:
        msg = f"{path} holds pickled objects, which can run code; save plain arrays instead"
        raise DataError(msg) from error
    except (OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged or no .npz file: {error}") from error


def _read_mat(path: Path) -> Arrays:
    scipy_io = optional_import("scipy.io", extra="morphable")
    try:
        content = scipy_io.loadmat(path)
    except NotImplementedError as error:
        raise DataError(f"{path} is a MATLAB 7.3 file; save it with the option -v7") from error
    except Exception as error:  # loadmat has no error type of its own
        raise DataError(f"{path} is damaged or no .mat file: {error}") from error
    numeric = (np.integer, np.floating)
    return {
        name: value
        for name, value in content.items()
        if isinstance(value, np.ndarray) and issubclass(value.dtype.type, numeric)
    }


def _read_mean(path: Path) -> Mesh:
    if path.suffix.lower() == ".stl":
        raise DataError(
            f"{path}: STL files do not number their vertices, as the bases of a face model do; "
            "take the mean face as .ply, .obj, .glb, .npz or .mat"
        )
    if path.suffix.lower() in MESH_SUFFIXES:
        return read_mesh(path)
    arrays = read_arrays(path)
    columns = {name: a for name, a in arrays.items() if a.ndim == 2 and a.shape[1] == 3}
    positions = {name: a for name, a in columns.items() if a.dtype.kind == "f"}
    name = next((name for name in _MEANS if name in positions), next(iter(positions), None))
    if name is None:
        raise DataError(f"{path} has no array (vertices, 3) of positions")
    vertices = positions[name].astype(np.float64)
    if not np.isfinite(vertices).all():
        raise DataError(f"{path}: {name} holds positions that are not finite")
    faces = next((columns[each] for each in _FACES if each in columns), np.zeros((0, 3)))
    # MATLAB counts from 1, and stores whole numbers as floating ones by default
    first = 1 if path.suffix.lower() == ".mat" else 0
    return Mesh(vertices, faces.astype(np.int64) - first)


def _basis(arrays: Arrays, role: str, rows: int, path: Path, mean: Path | str) -> Basis:
    """Pick the components of a role by their shape and name, and the weights that go with them."""
    tables = {name: a for name, a in arrays.items() if a.ndim == 2 and len(a) == rows}
    if not tables:
        tallest = max((len(a) for a in arrays.values() if a.ndim == 2), default=0)
        msg = f"{path} has no components for the {rows // 3} vertices of {mean}"
        if tallest > 3 and tallest % 3 == 0:
            msg += f"; its bases are for {tallest // 3} vertices"
        raise DataError(msg)
    name = _named(list(tables), role)
    if name is None:
        raise DataError(f"{path}: which of {', '.join(sorted(tables))} is the {role} basis?")
    components = tables[name]
    sizes = {key: a for key, a in arrays.items() if a.size == components.shape[1] and a.ndim}
    weights = _named([key for key in sizes if key not in tables], role)
    if weights is None:
        msg = f"{path} has no {components.shape[1]} weights for the {role} components {name}"
        raise DataError(msg)
    return Basis(components, sizes[weights])


def _named(names: list[str], role: str) -> str | None:
    """Return the name that fits a role; a single one always does."""
    if len(names) == 1:
        return names[0]
    own = [name for name in names if _is_expression(name) == (role == "expression")]
    if len(own) > 1:
        own = [name for name in own if "weight" in name.lower() or "component" in name.lower()]
    return own[0] if len(own) == 1 else None


def _is_expression(name: str) -> bool:
    # the published files add _e to the names of the identity basis
    return "exp" in name.lower() or name.lower().endswith("_e")


def _landmark_lists(arrays: Arrays) -> dict[str, Indices]:
    """Return every ``landmarks_NAME`` that counts vertices from 0, by its name."""
    return {
        name.removeprefix(_PREFIX): array.ravel().astype(np.int64)
        for name, array in arrays.items()
        if name.startswith(_PREFIX) and not name.endswith(_ONE_BASED)
    }


def _read_landmark_lists(path: Path) -> dict[str, Indices]:
    if path.suffix.lower() != ".npy":
        lists = _landmark_lists(read_arrays(path))
        if not lists:
            raise DataError(f"{path} has no array landmarks_NAME")
        return lists
    try:
        vertices = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is missing, damaged or no plain .npy file") from error
    if vertices.size not in LANDMARK_SETS or vertices.dtype.kind not in "iu":
        known = " or ".join(map(str, LANDMARK_SETS))
        raise DataError(f"{path} has to be a list of {known} whole numbers, one a landmark")
    return {LANDMARK_SETS[vertices.size]: vertices.ravel().astype(np.int64)}
