"""The files of a topology: its mesh hierarchy, faces and landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.mesh import read_mesh
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import (
    HIERARCHY_FILE,
    read_published_hierarchy,
)
from lightning_face_emovoca.landmarks import LandmarkEmbedding, read_published_embedding

__all__ = ["EMBEDDING_FILE", "FACES_FILE", "OWN_HIERARCHY_FILE", "TemplateFiles"]

FACES_FILE = "FLAME_sample.ply"
OWN_HIERARCHY_FILE = "hierarchy.npz"
EMBEDDING_FILE = "landmarks.npz"


@dataclass(frozen=True, eq=False)
class TemplateFiles:
    """What is known of a topology.

    Attributes:
        folder: Folder of the files.
        hierarchy: Levels of the mesh.
        embedding: Places of the 68 landmarks.
    """

    folder: Path
    hierarchy: MeshHierarchy
    embedding: LandmarkEmbedding

    @property
    def faces(self) -> NDArray[np.int64]:
        """Triangles ``(triangles, 3)``."""
        return self.hierarchy.faces[0]

    @property
    def num_vertices(self) -> int:
        """Vertices of a head."""
        return self.hierarchy.level_sizes[0]

    @classmethod
    def read(cls, folder: Path | str) -> TemplateFiles:
        """Read the files of a topology.

        The published folder has ``downsampling_matrices.pkl``, ``FLAME_sample.ply`` and the
        landmarks of FLAME. For another topology, ``hierarchy.npz`` and ``landmarks.npz`` as this
        package writes them take the place of the first and the last.

        Args:
            folder: Folder of the files, ``src/template`` of the published repository.

        Raises:
            DataError: A file is missing, damaged, or of another topology than its neighbours.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise DataError(
                f"{folder}, the folder of mesh hierarchy and landmarks, is missing; it is "
                "src/template of github.com/miccunifi/EmoVOCA (FLAME licence, research only)"
            )
        if (folder / OWN_HIERARCHY_FILE).is_file():
            hierarchy = MeshHierarchy.load(folder / OWN_HIERARCHY_FILE)
        else:
            hierarchy = read_published_hierarchy(folder / HIERARCHY_FILE)
            _check_faces(folder / FACES_FILE, hierarchy)
        faces = hierarchy.faces[0]
        if (folder / EMBEDDING_FILE).is_file():
            embedding = LandmarkEmbedding.load(folder / EMBEDDING_FILE)
        else:
            embedding = read_published_embedding(folder, faces)
        embedding.check_topology(hierarchy.level_sizes[0])
        return cls(folder, hierarchy, embedding)


def _check_faces(path: Path, hierarchy: MeshHierarchy) -> None:
    """Make sure that the hierarchy is that of the mesh beside it."""
    mesh = read_mesh(path)
    if len(mesh.vertices) != hierarchy.level_sizes[0]:
        raise DataError(
            f"{path} has {len(mesh.vertices)} vertices, but {HIERARCHY_FILE} beside it is for "
            f"{hierarchy.level_sizes[0]}: they belong to different topologies"
        )
    if not np.array_equal(mesh.faces, hierarchy.faces[0]):
        raise DataError(
            f"{path} has other triangles than {HIERARCHY_FILE} beside it: they belong to "
            "different topologies"
        )
