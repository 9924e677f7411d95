"""OBJ and PLY files whose vertices keep their order.

A linear face model addresses vertices by number, so a reader that merges, splits, drops or sorts
them breaks it silently. Texture coordinates, normals and materials make readers do that and are
left out.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["MESH_SUFFIXES", "Mesh", "read_mesh", "write_mesh"]

MESH_SUFFIXES = (".obj", ".ply")


@dataclass(frozen=True)
class Mesh:
    """Triangles in space.

    Args:
        vertices: Positions ``(vertices, 3)``, finite, in the unit of the file.
        faces: Corners ``(triangles, 3)``, counted from 0, counter-clockwise seen from outside;
            a point cloud has none.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]


def read_mesh(path: Path | str) -> Mesh:
    """Read the positions and triangles of an OBJ or PLY file, in the order of the file.

    Polygons are cut into triangles; texture coordinates, normals and materials are ignored.

    Args:
        path: File with the suffix ``.obj`` or ``.ply``.

    Returns:
        The mesh, its vertices as many as in the file.

    Raises:
        DataError: The file is missing, empty, of another format or damaged, or a position is not
            a finite number.
    """
    path = Path(path)
    _check_suffix(path)
    if not path.is_file():
        raise DataError(f"no mesh file {path}")
    content = path.read_bytes()
    if not content.strip():
        raise DataError(f"the mesh file {path} is empty")
    loaded = _parse(path, content)
    vertices = np.asarray(getattr(loaded, "vertices", None), dtype=np.float64)
    if vertices.ndim != 2 or not len(vertices):
        raise DataError(f"the mesh file {path} has no vertices")
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise DataError(f"{path}: vertex {bad[0]} is not finite; {len(bad)} such vertices in all")
    faces = np.asarray(getattr(loaded, "faces", ()), dtype=np.int64).reshape(-1, 3)
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise DataError(f"{path}: a face names a vertex that the file does not have")
    return Mesh(vertices, faces)


def write_mesh(path: Path | str, mesh: Mesh) -> None:
    """Write an OBJ (text, 8 decimals) or a PLY (binary, float32 positions).

    Args:
        path: File to create or replace; the suffix chooses the format.
        mesh: What to write.

    Raises:
        DataError: The suffix is neither ``.obj`` nor ``.ply``, or the mesh has no vertices or
            positions that are not finite.
    """
    path = Path(path)
    _check_suffix(path)
    if not len(mesh.vertices):
        raise DataError(f"{path}: a mesh without vertices cannot be written")
    if not np.isfinite(mesh.vertices).all():
        raise DataError(f"{path}: a mesh whose vertices are not finite cannot be written")
    trimesh = optional_import("trimesh", extra="morphable")
    # torch comes with it, which reading does not need
    from lightning_face.checkpoint.atomic import atomic_path

    if len(mesh.faces):
        body = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    else:
        body = trimesh.PointCloud(mesh.vertices)
    options: dict[str, Any] = {"digits": 8} if path.suffix.lower() == ".obj" else {}
    content = body.export(file_type=path.suffix.lower()[1:], **options)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in MESH_SUFFIXES:
        known = " or ".join(MESH_SUFFIXES)
        raise DataError(f"{path} is no mesh file that can be handled; its suffix must be {known}")


def _parse(path: Path, content: bytes) -> Any:  # noqa: ANN401
    """Hand the file to trimesh, which raises whatever its parsers stumble over."""
    trimesh = optional_import("trimesh", extra="morphable")
    try:
        if path.suffix.lower() == ".obj":
            file = io.BytesIO(_positions_and_faces(content))
            return trimesh.load(file, file_type="obj", process=False, maintain_order=True)
        file = io.BytesIO(content)
        return trimesh.load(file, file_type="ply", process=False, fix_texture=False)
    except Exception as error:
        raise DataError(f"{path} is damaged or no mesh file: {error}") from error


def _positions_and_faces(content: bytes) -> bytes:
    """Reduce an OBJ file to what cannot change the order of the vertices."""
    lines = []
    for line in content.replace(b"\\\n", b" ").splitlines():
        word, *values = line.split() or [b""]
        if word == b"v":
            lines.append(b" ".join([word, *values[:3]]))
        elif word == b"f":
            lines.append(b" ".join([word, *(value.partition(b"/")[0] for value in values)]))
    return b"\n".join(lines) + b"\n"
