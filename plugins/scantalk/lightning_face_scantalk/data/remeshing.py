"""Writing VOCAset without registration: remeshed frames, or the raw scans, once and offline."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.mesh.vertex_file import read_vertices
from lightning_face.optional import optional_import
from lightning_face_scantalk.data.layout import LAYOUTS
from lightning_face_scantalk.data.masks import HeadMasks, read_masks
from lightning_face_scantalk.data.recordings import Recording, data_folder, list_recordings
from lightning_face_scantalk.data.splits import SPLITS
from lightning_face_scantalk.data.templates import TemplateBook
from lightning_face_scantalk.data.unregistered_file import write_frames

__all__ = ["SurfacePoints", "locate", "remesh", "write_raw_scans", "write_remeshed"]

Floats = NDArray[np.float64]

_MILLIMETRE = 0.001
_CANDIDATES = 16
# how far a vertex is pulled towards its neighbours before its place is looked for
_PULL = 0.3


class SurfacePoints(NamedTuple):
    """Points on the faces of a mesh.

    Attributes:
        corners: Vertices of the face of each point ``(points, 3)``.
        weights: Their shares in the point ``(points, 3)``, which add up to 1.
    """

    corners: NDArray[np.int64]
    weights: Floats

    def on(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where the points are when the mesh moves.

        Args:
            vertices: Positions of the mesh ``(frames, vertices, 3)``.

        Returns:
            Positions of the points ``(frames, points, 3)``.
        """
        moved = np.einsum("tpci,pc->tpi", vertices[:, self.corners], self.weights)
        return moved.astype(np.float32)

    def inside(self, mask: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the points whose nearest vertex is one of some vertices.

        Args:
            mask: Vertices of the mesh.
        """
        nearest = self.corners[np.arange(len(self.corners)), self.weights.argmax(axis=1)]
        return np.flatnonzero(np.isin(nearest, mask))


def remesh(mesh: Mesh, num_faces: int, subdivisions: int = 1) -> Mesh:
    """Give a surface another structure: cut edges in half, then merge edges by quadric errors.

    Args:
        mesh: The surface.
        num_faces: Faces to keep.
        subdivisions: How often every edge is cut in half first.
    """
    trimesh = optional_import("trimesh", extra="geometry")
    simplification = optional_import(
        "fast_simplification", extra="remesh", distribution="lightning-face-scantalk"
    )
    vertices, faces = mesh.vertices, mesh.faces
    for _ in range(subdivisions):
        vertices, faces = trimesh.remesh.subdivide(vertices, faces)
    if len(faces) > num_faces:
        vertices, faces = simplification.simplify(
            np.ascontiguousarray(vertices, dtype=np.float32),
            np.ascontiguousarray(faces, dtype=np.int32),
            target_count=num_faces,
        )
    return Mesh(np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64))


def locate(mesh: Mesh, surface: Mesh) -> SurfacePoints:
    """Find the vertices of a mesh on another mesh of the same surface.

    The lips of a closed mouth touch, so each vertex is looked for a little nearer to its
    neighbours, which lie on one lip only.

    Args:
        mesh: Mesh whose vertices are looked for.
        surface: Mesh on which they are found.
    """
    trimesh = optional_import("trimesh", extra="geometry")
    edges = mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    edges = np.concatenate([edges, edges[:, ::-1]])
    count = np.bincount(edges[:, 0], minlength=len(mesh.vertices))[:, None]
    ring = np.zeros_like(mesh.vertices)
    np.add.at(ring, edges[:, 0], mesh.vertices[edges[:, 1]])
    ring = np.where(count > 0, ring / np.maximum(count, 1), mesh.vertices)
    pulled = mesh.vertices + _PULL * (ring - mesh.vertices)
    triangles = surface.vertices[surface.faces]
    candidates = min(_CANDIDATES, len(triangles))
    _, near = cKDTree(triangles.mean(axis=1)).query(pulled, k=np.arange(1, candidates + 1))
    points = np.repeat(pulled, candidates, axis=0)
    closest = trimesh.triangles.closest_point(triangles[near.reshape(-1)], points)
    distance = np.linalg.norm(closest - points, axis=1).reshape(near.shape)
    face = near[np.arange(len(near)), distance.argmin(axis=1)]
    place = trimesh.triangles.closest_point(triangles[face], mesh.vertices)
    weights = trimesh.triangles.points_to_barycentric(triangles[face], place).clip(0, 1)
    return SurfacePoints(surface.faces[face], weights / weights.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class _RemeshedHead:
    """What the sequences of a subject are written with."""

    target: Path
    num_vertices: int
    faces: NDArray[np.int64]
    points: SurfacePoints
    num_faces: int
    subdivisions: int


def write_remeshed(
    root: Path, target: Path, num_faces: int = 5000, subdivisions: int = 1, workers: int = 1
) -> int:
    """Write VOCAset with a new structure in every frame, at 30 frames per second.

    The templates are the remeshed neutral heads. Where their vertices truly go, and which of them
    are lips and upper face, is known from the registered frames and written for evaluation.

    Args:
        root: Folder that holds ``vocaset``.
        target: Folder to write into; made if missing.
        num_faces: Faces of each frame.
        subdivisions: How often every edge is cut in half first.
        workers: Number of processes.

    Returns:
        Number of sequences written.

    Raises:
        DataError: A file is missing or damaged.
    """
    layout = LAYOUTS["vocaset"]
    folder = data_folder(root, layout)
    templates = TemplateBook(folder, layout)
    subjects = SPLITS["unregistered"]["vocaset"].subjects
    listed = list_recordings(folder, layout, subjects, templates.has)
    if not listed.used:
        raise DataError(f"{folder} has no sequence that could be remeshed")
    masks = read_masks(folder, layout, templates.shown)
    heads = {}
    for subject in sorted({recording.subject for recording in listed.used}):
        registered = templates.read(subject)
        head = remesh(registered, num_faces, subdivisions)
        points = locate(head, registered)
        _write_head(target, subject, head, masks, points)
        heads[subject] = _RemeshedHead(
            target=target,
            num_vertices=len(registered.vertices),
            faces=registered.faces,
            points=points,
            num_faces=num_faces,
            subdivisions=subdivisions,
        )
    tasks = [(recording, heads[recording.subject]) for recording in listed.used]
    if workers == 1:
        for task in tasks:
            _remesh_sequence(task)
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_remesh_sequence, tasks))
    return len(tasks)


def write_raw_scans(
    scans: Path, root: Path, target: Path, num_faces: int = 8000, workers: int = 1
) -> int:
    """Write the raw scans of VOCAset: decimated, in metres, at the place of the registered heads.

    One translation a sentence lets the frontmost vertex of its first scan meet that of the
    registered neutral head. The template of a subject is its first scan.

    Args:
        scans: Folder of the scans, ``<subject>/<sentence>/*.ply`` in millimetres at 60 frames per
            second, of which every second one is taken.
        root: Folder that holds the registered ``vocaset``, for its templates and sounds.
        target: Folder to write into; made if missing.
        num_faces: Faces of each frame.
        workers: Number of processes.

    Returns:
        Number of sequences written.

    Raises:
        DataError: A file is missing or damaged.
    """
    layout = LAYOUTS["vocaset"]
    folder = data_folder(root, layout)
    templates = TemplateBook(folder, layout)
    tasks: list[tuple[Recording, list[Path], Floats]] = []
    for subject in SPLITS["unregistered"]["vocaset"].subjects:
        if not (scans / subject).is_dir() or not templates.has(subject):
            continue
        anchor = _frontmost(templates.read(subject).vertices)
        for sentence in sorted(path for path in (scans / subject).iterdir() if path.is_dir()):
            name = f"{subject}_{sentence.name}"
            wav = folder / layout.wav / f"{name}.wav"
            frames = sorted(sentence.glob("*.ply"))[:: layout.stride]
            if frames and wav.is_file():
                recording = Recording(layout.name, subject, name, wav, sentence, layout.fps, 1)
                tasks.append((recording, frames, anchor))
    if not tasks:
        raise DataError(f"{scans} has no scans <subject>/<sentence>/*.ply with a sound in {folder}")
    write = partial(_write_scans, target=target, num_faces=num_faces)
    if workers == 1:
        for task in tasks:
            write(task)
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(write, tasks))
    written = set()
    for recording, frames, anchor in tasks:
        if recording.subject not in written:
            written.add(recording.subject)
            first = _place_scans([read_mesh(frames[0])], anchor)[0]
            path = target / "templates" / f"{recording.subject}.ply"
            write_mesh(path, remesh(first, num_faces, subdivisions=0))
    return len(tasks)


def _write_head(
    target: Path, subject: str, head: Mesh, masks: HeadMasks, points: SurfacePoints
) -> None:
    write_mesh(target / "templates" / f"{subject}.ply", head)
    for name, mask in (("lips", masks.lips), ("upper", masks.upper)):
        path = target / name / f"{subject}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, points.inside(mask))


def _remesh_sequence(task: tuple[Recording, _RemeshedHead]) -> None:
    recording, head = task
    vertices = read_vertices(recording.vertices, head.num_vertices, recording.stride)
    frames = [
        remesh(Mesh(frame.astype(np.float64), head.faces), head.num_faces, head.subdivisions)
        for frame in vertices
    ]
    write_frames(head.target, recording.name, frames, head.points.on(vertices))
    _copy_sound(recording, head.target)


def _write_scans(
    task: tuple[Recording, Sequence[Path], Floats], target: Path, num_faces: int
) -> None:
    recording, paths, anchor = task
    frames = _place_scans([read_mesh(path) for path in paths], anchor)
    write_frames(
        target, recording.name, [remesh(frame, num_faces, subdivisions=0) for frame in frames]
    )
    _copy_sound(recording, target)


def _place_scans(scans: Sequence[Mesh], anchor: Floats) -> list[Mesh]:
    """Bring scans to metres, and the first of them to its place along with the others."""
    shift = anchor - _MILLIMETRE * _frontmost(scans[0].vertices)
    return [Mesh(_MILLIMETRE * scan.vertices + shift, scan.faces) for scan in scans]


def _frontmost(vertices: Floats) -> Floats:
    point: Floats = vertices[vertices[:, 2].argmax()]
    return point


def _copy_sound(recording: Recording, target: Path) -> None:
    (target / "wav").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(recording.wav, target / "wav" / f"{recording.name}.wav")
