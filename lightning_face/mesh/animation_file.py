"""Files of meshes that move: npz, GLB with morph targets, folders of PLY or OBJ files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh.glb_animation import encode_glb
from lightning_face.mesh.mesh_file import Mesh, read_mesh, write_mesh
from lightning_face.mesh.morph_targets import MorphTargetFitter

__all__ = ["AnimationWriter", "MeshAnimation", "is_animation", "open_animation", "read_animation"]

_SUFFIXES = (".npz", ".glb", "")
# Largest error of a GLB file as a part of the mesh's extent: a tenth of a millimetre on a head,
# which takes a fifth of the targets that a hundredth would.
_TOLERANCE = 3e-4


@dataclass(frozen=True, eq=False)
class MeshAnimation:
    """Positions of the vertices of a mesh over time.

    Attributes:
        vertices: ``(frames, vertices, 3)``, float32.
        faces: Triangles ``(triangles, 3)``; None where the file does not say.
        template: The mesh at rest ``(vertices, 3)``; None where the file does not say.
        fps: Frames each second; None where the file does not say.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int64] | None = None
    template: NDArray[np.float64] | None = None
    fps: float | None = None


class AnimationWriter(Protocol):
    """Takes the frames of an animation in their order."""

    def add(self, frames: NDArray[np.floating]) -> None:
        """Append frames.

        Args:
            frames: Positions ``(frames, vertices, 3)``.
        """


def is_animation(path: Path | str) -> bool:
    """Tell whether `open_animation` writes files of this name."""
    return Path(path).suffix.lower() in _SUFFIXES


@contextmanager
def open_animation(
    path: Path | str,
    neutral: Mesh,
    fps: float,
    num_frames: int,
    frame_suffix: Literal[".ply", ".obj"] = ".ply",
) -> Iterator[AnimationWriter]:
    """Write an animation, frame by frame; files appear when the block ends without an error.

    Args:
        path: ``.npz`` (``vertices``, ``faces``, ``template``, ``fps``), ``.glb`` (morph targets
            that give back every coordinate to 3e-4 of the mesh's extent), or a name without
            suffix for a folder of ``frame_00000.ply`` and so on.
        neutral: The mesh at rest.
        fps: Frames each second.
        num_frames: Number of frames that will be added.
        frame_suffix: Format of the files in a folder.

    Yields:
        What takes the frames.

    Raises:
        ConfigError: The suffix is another one, or the folder holds frames already.
        DataError: Not as many frames were added.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ConfigError(
            f"{path}: animations are written as .npz, as .glb, or without a suffix as a folder of "
            "PLY or OBJ files"
        )
    # torch comes with it, which reading does not need
    from lightning_face.checkpoint.atomic import atomic_path

    writer: _NpzFrames | _MorphedFrames | _MeshFrames
    if suffix == ".npz":
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, values in (
                ("faces", neutral.faces),
                ("template", neutral.vertices),
                ("fps", np.float64(fps)),
            ):
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)
            # a size is not known before the end: more than 4 GB must fit
            with archive.open("vertices.npy", "w", force_zip64=True) as file:
                writer = _NpzFrames(file, (num_frames, *neutral.vertices.shape))
                yield writer
            _check_count(path, writer.count, num_frames)
    elif suffix == ".glb":
        writer = _MorphedFrames(neutral)
        yield writer
        _check_count(path, writer.count, num_frames)
        with atomic_path(path) as temporary:
            temporary.write_bytes(writer.encode(fps))
    else:
        if any(path.glob("frame_*.ply")) or any(path.glob("frame_*.obj")):
            raise ConfigError(f"{path} holds frames already: name another folder, or remove them")
        writer = _MeshFrames(path, neutral.faces, frame_suffix)
        yield writer
        _check_count(path, writer.count, num_frames)


def read_animation(path: Path | str) -> MeshAnimation:
    """Read an animation: ``.npz``, ``.npy`` of vertices alone, or a folder of PLY or OBJ files.

    Args:
        path: File written by `open_animation`, or an array ``(frames, vertices, 3)`` or
            ``(frames, 3 * vertices)``.

    Raises:
        DataError: The file is missing, damaged or no animation, or a position is not finite.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such animation; give a .npz, .npy or folder of .ply or .obj"
        )
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            content = {"vertices": loaded}
        else:
            with loaded:
                content = dict(loaded.items())
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged or no .npz or .npy file: {error}") from error
    if "vertices" not in content:
        raise DataError(f"{path} has no array `vertices`; it holds {', '.join(sorted(content))}")
    vertices = content["vertices"]
    if vertices.ndim == 2 and vertices.shape[1] % 3 == 0:
        vertices = vertices.reshape(len(vertices), -1, 3)
    if vertices.ndim != 3 or vertices.shape[2] != 3 or not vertices.size:
        raise DataError(
            f"{path}: vertices are (frames, vertices, 3), not {content['vertices'].shape}"
        )
    if vertices.dtype.kind != "f" or not np.isfinite(vertices).all():
        raise DataError(f"{path}: the vertices are no finite numbers")
    faces = content.get("faces")
    if faces is not None:
        faces = faces.reshape(-1, 3).astype(np.int64)
        if faces.size and not 0 <= faces.min() <= faces.max() < vertices.shape[1]:
            raise DataError(f"{path}: a face names a vertex that is not there")
    template = content.get("template")
    return MeshAnimation(
        vertices.astype(np.float32),
        faces,
        None if template is None else template.reshape(-1, 3).astype(np.float64),
        float(content["fps"]) if "fps" in content else None,
    )


def _read_folder(folder: Path) -> MeshAnimation:
    files = sorted(folder.glob("*.ply")) or sorted(folder.glob("*.obj"))
    if not files:
        raise DataError(f"{folder} holds no .ply and no .obj file")
    meshes = [read_mesh(file) for file in files]
    for file, mesh in zip(files, meshes, strict=True):
        if mesh.vertices.shape != meshes[0].vertices.shape:
            raise DataError(
                f"{file} has {len(mesh.vertices)} vertices and {files[0].name} has "
                f"{len(meshes[0].vertices)}: the frames of an animation have the same"
            )
    vertices = np.stack([mesh.vertices for mesh in meshes]).astype(np.float32)
    return MeshAnimation(vertices, meshes[0].faces)


def _check_count(path: Path, count: int, expected: int) -> None:
    if count != expected:
        raise DataError(f"{path}: {count} frames were made of {expected}")


class _NpzFrames:
    def __init__(self, file: IO[bytes], shape: tuple[int, ...]) -> None:
        self.count = 0
        self._file = file
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def add(self, frames: NDArray[np.floating]) -> None:
        self._file.write(np.ascontiguousarray(frames, dtype="<f4").tobytes())
        self.count += len(frames)


class _MorphedFrames:
    def __init__(self, neutral: Mesh) -> None:
        self.count = 0
        self._neutral = neutral
        extent = float(np.ptp(neutral.vertices, axis=0).max())
        self._fitter = MorphTargetFitter(neutral.vertices, _TOLERANCE * extent)

    def add(self, frames: NDArray[np.floating]) -> None:
        self._fitter.add(frames)
        self.count += len(frames)

    def encode(self, fps: float) -> bytes:
        from lightning_face.render.shading import vertex_normals

        normals = vertex_normals(self._neutral.vertices, self._neutral.faces)
        # a vertex of no triangle has no direction, which the format does not allow
        normals[~normals.any(axis=1)] = (0.0, 0.0, 1.0)
        return encode_glb(self._neutral, normals, self._fitter.finish(), fps)


class _MeshFrames:
    def __init__(self, folder: Path, faces: NDArray[np.int64], suffix: str) -> None:
        self.count = 0
        self._folder = folder
        self._faces = faces
        self._suffix = suffix

    def add(self, frames: NDArray[np.floating]) -> None:
        for frame in frames:
            path = self._folder / f"frame_{self.count:05d}{self._suffix}"
            write_mesh(path, Mesh(frame.astype(np.float64), self._faces))
            self.count += 1
