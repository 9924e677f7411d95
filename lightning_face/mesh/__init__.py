"""Triangle meshes: reading, writing."""

from __future__ import annotations

from lightning_face.mesh.mesh_file import MESH_SUFFIXES, Mesh, read_mesh, write_mesh

__all__ = ["MESH_SUFFIXES", "Mesh", "read_mesh", "write_mesh"]
