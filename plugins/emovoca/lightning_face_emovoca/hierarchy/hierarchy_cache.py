"""Mesh hierarchies that have been made once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from lightning_face.cache import cache_folder
from lightning_face.errors import DataError
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy

__all__ = ["ALGORITHM_VERSION", "cached_hierarchy"]

ALGORITHM_VERSION = 1
"""Raised whenever another hierarchy would be made of the same mesh and settings."""


def cached_hierarchy(key: str, make: Callable[[], MeshHierarchy]) -> MeshHierarchy:
    """Read a hierarchy from the cache folder, or make and keep it.

    Args:
        key: All that the hierarchy depends on, files by their digests.
        make: Makes it.

    Returns:
        The hierarchy; a damaged entry is made again.
    """
    digest = hashlib.sha256(f"{ALGORITHM_VERSION} {key}".encode()).hexdigest()
    path = cache_folder() / "emovoca" / f"hierarchy-{digest[:32]}.npz"
    if path.is_file():
        try:
            return MeshHierarchy.load(path)
        except DataError:
            path.unlink(missing_ok=True)
    hierarchy = make()
    hierarchy.save(path)
    return hierarchy
