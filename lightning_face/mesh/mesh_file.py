"""OBJ, PLY, GLB and STL files, whose vertices keep their order where the format has one.

A linear face model addresses vertices by number, so a reader that merges, splits, drops or sorts
them breaks it silently. Texture coordinates, normals and materials make readers do that and are
left out. Only STL has no numbered vertices: corners in the same place become one vertex.
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

MESH_SUFFIXES = (".obj", ".ply", ".glb", ".stl")


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
    """Read the positions and triangles of an OBJ, PLY, GLB or STL file, in the order of the file.

    Polygons are cut into triangles; texture coordinates, normals and materials are ignored. The
    parts of a GLB scene are put in their places and one after the other.

    Args:
        path: File with the suffix ``.obj``, ``.ply``, ``.glb`` or ``.stl``.

    Returns:
        The mesh, its vertices as many as in the file; for STL, as many as different positions.

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
    vertices, faces = _parse(path, content)
    if vertices.ndim != 2 or not len(vertices):
        raise DataError(f"the mesh file {path} has no vertices")
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise DataError(f"{path}: vertex {bad[0]} is not finite; {len(bad)} such vertices in all")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise DataError(f"{path}: a face names a vertex that the file does not have")
    mesh = Mesh(vertices, faces)
    if path.suffix.lower() == ".stl":
        from lightning_face.mesh.welding import weld_vertices

        return weld_vertices(mesh)[0]
    return mesh


def write_mesh(path: Path | str, mesh: Mesh) -> None:
    """Write an OBJ (text, 8 decimals), or a PLY, GLB or STL (binary, float32 positions).

    Args:
        path: File to create or replace; the suffix chooses the format.
        mesh: What to write; STL keeps its triangles only.

    Raises:
        DataError: The suffix is of another format, or the mesh has no vertices, positions that
            are not finite, or no faces where the format is STL.
    """
    path = Path(path)
    _check_suffix(path)
    if not len(mesh.vertices):
        raise DataError(f"{path}: a mesh without vertices cannot be written")
    if not np.isfinite(mesh.vertices).all():
        raise DataError(f"{path}: a mesh whose vertices are not finite cannot be written")
    if not len(mesh.faces) and path.suffix.lower() == ".stl":
        raise DataError(f"{path}: an STL file has triangles only; write a cloud of points as PLY")
    trimesh = optional_import("trimesh", extra="geometry")
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
        known = f"{', '.join(MESH_SUFFIXES[:-1])} or {MESH_SUFFIXES[-1]}"
        raise DataError(f"{path} is no mesh file that can be handled; its suffix must be {known}")


def _parse(path: Path, content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Hand the file to trimesh, which raises whatever its parsers stumble over."""
    trimesh = optional_import("trimesh", extra="geometry")
    kind = path.suffix.lower()[1:]
    try:
        if kind == "obj":
            file = io.BytesIO(_positions_and_faces(content))
            return _arrays(trimesh.load(file, file_type=kind, process=False, maintain_order=True))
        file = io.BytesIO(content)
        if kind == "ply":
            return _arrays(trimesh.load(file, file_type=kind, process=False, fix_texture=False))
        loaded = trimesh.load(file, file_type=kind, process=False)
        return _arrays(loaded) if kind == "stl" else _joined(loaded)
    except Exception as error:
        raise DataError(f"{path} is damaged or no mesh file: {error}") from error


def _arrays(body: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # noqa: ANN401
    vertices = np.asarray(getattr(body, "vertices", ()), dtype=np.float64)
    return vertices, np.asarray(getattr(body, "faces", ()), dtype=np.int64).reshape(-1, 3)


def _joined(scene: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # noqa: ANN401
    """Put the parts of a scene in their places, in the order of the file."""
    order = {name: place for place, name in enumerate(scene.geometry)}
    placed = [(node, *scene.graph[node]) for node in scene.graph.nodes_geometry]
    positions, faces, count = [], [], 0
    for _, transform, name in sorted(placed, key=lambda part: (order[part[2]], part[0])):
        points, corners = _arrays(scene.geometry[name])
        positions.append(points @ transform[:3, :3].T + transform[:3, 3])
        faces.append(corners + count)
        count += len(points)
    return np.concatenate(positions), np.concatenate(faces)


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
