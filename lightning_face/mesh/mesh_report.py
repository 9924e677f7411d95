"""What is wrong with a mesh that a talking head is to be made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_face.mesh.alignment import length_unit
from lightning_face.mesh.mesh_file import Mesh

__all__ = ["MeshReport", "examine_mesh"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# faces thinner than this, relative to their longest side, have no reliable direction
_THINNEST = 1e-6
# neighbours whose normals are this opposed lie on each other
_FOLDED_COSINE = -0.99
# where the mouth of an aligned head is, relative to its box: middle, front, below the eyes
_MOUTH_X, _MOUTH_Y, _MOUTH_Z = (0.38, 0.62), (0.15, 0.62), (0.6, 1.0)
# a mouth is wider than high, and takes this much of the width of a head
_MOUTH_ASPECT, _MOUTH_WIDTH = 1.5, (0.12, 0.6)


@dataclass(frozen=True)
class MeshReport:
    """Counts of what is in a mesh and of what is wrong with it.

    Attributes:
        num_vertices: Number of vertices.
        num_faces: Number of triangles.
        extent: Size along each axis ``(3,)``, in the unit of the mesh.
        unit: ``m``, ``cm`` or ``mm``, guessed from the size; None where no head has it.
        components: Number of vertices of each connected part, the largest first.
        unreferenced: Number of vertices that no face uses.
        duplicated: Number of vertices that are in the place of an earlier one.
        degenerate: Number of triangles without area.
        folded: Number of pairs of triangles that lie on each other across their common edge.
        boundary_edges: Number of edges with one triangle.
        nonmanifold_edges: Number of edges with more than two triangles.
        inconsistent_edges: Number of edges whose two triangles face opposite ways.
        outward: Whether the triangles face outwards, by area; None where there are none.
        mouth_vertices: Number of vertices around the hole that is where the mouth of an aligned
            head is; 0 where there is no such hole.
    """

    num_vertices: int
    num_faces: int
    extent: tuple[float, float, float]
    unit: str | None
    components: tuple[int, ...]
    unreferenced: int
    duplicated: int
    degenerate: int
    folded: int
    boundary_edges: int
    nonmanifold_edges: int
    inconsistent_edges: int
    outward: bool | None
    mouth_vertices: int

    @property
    def lips_cut(self) -> bool:
        """Whether the lips can part: there is a hole between them."""
        return self.mouth_vertices > 0

    @property
    def problems(self) -> list[str]:
        """Sentences that say what may spoil an animation, and what to do."""
        sentences = []
        if self.unit is None:
            size = " x ".join(f"{length:.3g}" for length in self.extent)
            sentences.append(
                f"Its size, {size}, is no head's in metres, centimetres or millimetres; align it "
                "with scaling."
            )
        elif self.unit != "m":
            sentences.append(f"It seems to be in {self.unit}; networks take metres, so align it.")
        if not self.num_faces:
            sentences.append("It has no faces: it is treated as a cloud of points.")
            return sentences
        if not self.outward:
            sentences.append("Its faces look inwards; reverse the order of their corners.")
        if self.inconsistent_edges:
            sentences.append(
                f"{self.inconsistent_edges} edges have faces that look opposite ways; make the "
                "orientation consistent."
            )
        if not self.lips_cut:
            sentences.append(
                "There is no hole where the mouth of an aligned head is; if the lips are not cut "
                "apart the mouth cannot open."
            )
        counts = (
            (self.unreferenced, "vertices belong to no face", "remove them"),
            (self.duplicated, "vertices are in the place of another", "weld texture seams"),
            (self.degenerate, "faces have no area", "remove them"),
            (self.folded, "pairs of faces lie on each other", "flatten the fold"),
            (self.nonmanifold_edges, "edges have more than two faces", "remove inner faces"),
        )
        sentences += [f"{count} {what}; {remedy}." for count, what, remedy in counts if count]
        return sentences


def examine_mesh(mesh: Mesh) -> MeshReport:
    """Look for what spoils operators and animations.

    The mouth is looked for where it is on a head that is upright (y) and looks along z; align the
    mesh first where it does not.

    Args:
        mesh: Any mesh or cloud of points.
    """
    import scipy.sparse
    from scipy.sparse.csgraph import connected_components

    vertices, faces = mesh.vertices, mesh.faces
    count = len(vertices)
    directed = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges, edge_of, uses = np.unique(
        np.sort(directed, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    edge_of = edge_of.ravel()
    graph = scipy.sparse.coo_array((np.ones(len(edges)), edges.T), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    used = np.zeros(count, dtype=bool)
    used[faces] = True
    sizes = np.bincount(labels[used]) if used.any() else np.zeros(0, dtype=np.int64)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled_area = np.linalg.norm(normals, axis=1)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1, initial=0)
    degenerate = doubled_area <= _THINNEST * longest**2
    forward = np.bincount(edge_of, directed[:, 0] < directed[:, 1], minlength=len(edges))
    outwards = (normals * (corners.mean(axis=1) - vertices.mean(axis=0))).sum()
    width, height, depth = np.ptp(vertices, axis=0).tolist()
    return MeshReport(
        num_vertices=count,
        num_faces=len(faces),
        extent=(width, height, depth),
        unit=length_unit(vertices),
        components=tuple(sorted(sizes[sizes > 0].tolist(), reverse=True)),
        unreferenced=int((~used).sum()) if len(faces) else 0,
        duplicated=count - len(np.unique(vertices + 0.0, axis=0)),
        degenerate=int(degenerate.sum()),
        folded=_folds(normals, directed, edge_of, uses, degenerate),
        boundary_edges=int((uses == 1).sum()),
        nonmanifold_edges=int((uses > 2).sum()),
        inconsistent_edges=int(((uses == 2) & (forward != 1)).sum()),
        outward=bool(outwards > 0) if len(faces) else None,
        mouth_vertices=_mouth(vertices, edges[uses == 1]),
    )


def _folds(
    normals: Floats,
    directed: Integers,
    edge_of: Integers,
    uses: Integers,
    degenerate: NDArray[np.bool_],
) -> int:
    """Count the edges whose two triangles, consistently oriented, have opposite normals."""
    order = np.argsort(edge_of, kind="stable")
    pairs = order[uses[edge_of[order]] == 2].reshape(-1, 2)
    first, second = (pairs // 3).T
    sound = ~(degenerate[first] | degenerate[second])
    pairs, first, second = pairs[sound], first[sound], second[sound]
    opposed = directed[pairs[:, 0], 0] == directed[pairs[:, 1], 1]
    cosine = (normals[first] * normals[second]).sum(axis=1)
    cosine /= np.linalg.norm(normals[first], axis=1) * np.linalg.norm(normals[second], axis=1)
    return int((np.where(opposed, cosine, -cosine) < _FOLDED_COSINE).sum())


def _mouth(vertices: Floats, boundary: Integers) -> int:
    """Count the vertices of the largest hole that has the place and shape of a mouth."""
    import scipy.sparse
    from scipy.sparse.csgraph import connected_components

    size = np.ptp(vertices, axis=0)
    if not len(boundary) or not size.all():
        return 0
    graph = scipy.sparse.coo_array(
        (np.ones(len(boundary)), boundary.T), shape=(len(vertices), len(vertices))
    )
    labels = connected_components(graph, directed=False)[1]
    rim = np.unique(boundary)
    found = 0
    for label in np.unique(labels[rim]):
        loop = vertices[rim[labels[rim] == label]]
        place = (loop.mean(axis=0) - vertices.min(axis=0)) / size
        width, height = np.ptp(loop, axis=0)[:2]
        in_place = all(
            low <= share <= high
            for share, (low, high) in zip(place, (_MOUTH_X, _MOUTH_Y, _MOUTH_Z), strict=True)
        )
        wide = _MOUTH_WIDTH[0] <= width / size[0] <= _MOUTH_WIDTH[1]
        if in_place and wide and width > _MOUTH_ASPECT * height:
            found = max(found, len(loop))
    return found
