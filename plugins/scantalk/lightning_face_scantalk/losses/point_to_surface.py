"""Distances of points to the nearest place on a triangle mesh."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.optional import optional_import

__all__ = ["closest_places", "point_to_surface"]

_CANDIDATES = 5
"""Triangles that are looked at for each point: those whose centres are nearest."""


def point_to_surface(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Squared distance of points to a mesh, differentiable in points and vertices.

    Args:
        points: Points ``(points, 3)``.
        vertices: Vertices of the mesh ``(vertices, 3)``.
        faces: Its triangles ``(faces, 3)``, at least one.

    Returns:
        Squared distances ``(points,)``.
    """
    corners, weights = closest_places(points, vertices, faces)
    # at the nearest place, moving along the surface changes nothing: weights need no gradient
    places = (weights[..., None] * vertices[corners]).sum(dim=1)
    return (points - places).square().sum(dim=-1)


@torch.no_grad()
def closest_places(points: Tensor, vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Find the place on a mesh that is nearest to each point.

    Among the triangles with the nearest centres the search is exact; on meshes of very uneven
    triangles another one may be a little nearer.

    Args:
        points: Points ``(points, 3)``.
        vertices: Vertices of the mesh ``(vertices, 3)``.
        faces: Its triangles ``(faces, 3)``, at least one.

    Returns:
        The corners of the triangle of each place, int64 ``(points, 3)``, and the weights of the
        corners ``(points, 3)``, which sum to 1.
    """
    tree = optional_import("scipy.spatial", extra="geometry").cKDTree
    from lightning_face_scantalk.losses.closest_place_numba import closest_weights

    # no tree takes nan; a loss computed from what is found shows it all the same
    searched, surface = (
        torch.nan_to_num(each).double().cpu().numpy() for each in (points, vertices)
    )
    triangles = faces.cpu().numpy()
    count = min(_CANDIDATES, len(triangles))
    centres = surface[triangles].mean(axis=1)
    candidates = tree(centres).query(searched, k=range(1, count + 1))[1]
    corners, weights = closest_weights(searched, surface, triangles, candidates)
    return torch.from_numpy(corners).to(faces.device), torch.from_numpy(weights).to(points)
