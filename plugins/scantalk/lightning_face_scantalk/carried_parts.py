"""Parts of a head that hang on nothing, such as eyeballs, teeth and hair, taken along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from lightning_face.mesh import Mesh

__all__ = ["CarriedParts", "carry_parts"]

Floats = NDArray[np.floating]

_NEIGHBOURS = 8
# fewer points do not have a rotation of their own worth finding
_FEWEST_RIGID = 10


@dataclass(frozen=True, eq=False)
class CarriedParts:
    """How the parts of a mesh follow the largest of them.

    Attributes:
        surface: The largest part alone, as a mesh of its own.
        vertices: Which vertices of the whole mesh these are ``(surface vertices,)``.
        carried: Vertices of the other parts ``(carried,)``.
        parts: Places in ``carried`` of the vertices of each part.
        neighbours: Vertices of the surface near each carried one ``(carried, near)``.
        weights: Their shares, which sum to 1 ``(carried, near)``.
        still: Positions of the whole mesh at rest ``(vertices, 3)``.
    """

    surface: Mesh
    vertices: NDArray[np.int64]
    carried: NDArray[np.int64]
    parts: tuple[NDArray[np.int64], ...]
    neighbours: NDArray[np.int64]
    weights: Floats
    still: Floats

    def complete(self, frames: Floats) -> Floats:
        """Add the other parts to frames of the surface.

        Each part moves as the surface near it does, and stays rigid: an eyeball remains a ball.

        Args:
            frames: Positions of the surface ``(frames, surface vertices, 3)``.

        Returns:
            Positions of the whole mesh ``(frames, vertices, 3)``, float32.
        """
        whole = np.empty((len(frames), len(self.still), 3), dtype=np.float32)
        whole[:, self.vertices] = frames
        moved = frames - self.still[self.vertices]
        near = np.einsum("ck,tckd->tcd", self.weights, moved[:, self.neighbours])
        goals = self.still[self.carried] + near
        for places in self.parts:
            if len(places) >= _FEWEST_RIGID:
                goals[:, places] = _rigid(self.still[self.carried[places]], goals[:, places])
        whole[:, self.carried] = goals
        return whole


def carry_parts(mesh: Mesh) -> CarriedParts | None:
    """Separate the largest connected part of a mesh from the others.

    Args:
        mesh: The whole mesh.

    Returns:
        How the others follow; None where there are no others.
    """
    count = len(mesh.vertices)
    edges = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), bool), tuple(edges.T)), shape=(count, count))
    number, part = connected_components(graph, directed=False)
    if number == 1 or not len(mesh.faces):
        return None
    largest = int(np.bincount(part).argmax())
    inside = part == largest
    vertices, carried = np.flatnonzero(inside), np.flatnonzero(~inside)
    renumbered = np.cumsum(inside) - 1
    faces = renumbered[mesh.faces[inside[mesh.faces[:, 0]]]]
    surface = Mesh(mesh.vertices[vertices], faces)
    near = min(_NEIGHBOURS, len(vertices))
    distances, neighbours = KDTree(surface.vertices).query(
        mesh.vertices[carried], k=[*range(1, near + 1)]
    )
    closeness = 1 / np.maximum(distances, 1e-9 * np.ptp(mesh.vertices, axis=0).max())
    order = np.argsort(part[carried], kind="stable")
    borders = np.flatnonzero(np.diff(part[carried][order])) + 1
    return CarriedParts(
        surface=surface,
        vertices=vertices,
        carried=carried,
        parts=tuple(np.split(order, borders)),
        neighbours=neighbours,
        weights=closeness / closeness.sum(axis=1, keepdims=True),
        still=mesh.vertices,
    )


def _rigid(still: Floats, goals: Floats) -> Floats:
    """Bring points ``(points, 3)`` as near to goals ``(frames, points, 3)`` as a rigid body can."""
    centre, centres = still.mean(axis=0), goals.mean(axis=1, keepdims=True)
    left, _, right = np.linalg.svd(np.swapaxes(goals - centres, 1, 2) @ (still - centre))
    mirrored = np.linalg.det(left @ right) < 0
    left[mirrored, :, 2] *= -1
    moved: Floats = (still - centre) @ np.swapaxes(left @ right, 1, 2) + centres
    return moved
