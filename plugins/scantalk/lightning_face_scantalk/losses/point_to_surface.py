"""Distances of points to the nearest place on a triangle mesh."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.optional import optional_import

__all__ = ["closest_places", "point_to_surface"]

_CANDIDATES = 8
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
    # no tree takes nan; a loss computed from what is found shows it all the same
    points, vertices = torch.nan_to_num(points), torch.nan_to_num(vertices)
    centres = vertices[faces].mean(dim=1)
    count = min(_CANDIDATES, len(faces))
    found = tree(centres.cpu().numpy()).query(points.cpu().numpy(), k=range(1, count + 1))[1]
    candidates = faces[torch.from_numpy(found).to(faces.device)]
    weights = _closest_weights(points[:, None], vertices[candidates])
    places = (weights[..., None] * vertices[candidates]).sum(dim=2)
    best = (points[:, None] - places).square().sum(dim=-1).argmin(dim=1)
    rows = torch.arange(len(points), device=points.device)
    return candidates[rows, best], weights[rows, best]


def _closest_weights(points: Tensor, triangles: Tensor) -> Tensor:
    """Weights of the corners of triangles ``(..., 3, 3)`` at the places nearest to points.

    The place is that below the point where it is inside the triangle, else the nearest on an edge.
    """
    first, second, third = triangles.unbind(dim=-2)
    along, aside, offset = second - first, third - first, points - first
    aa, ab, bb = _dot(along, along), _dot(along, aside), _dot(aside, aside)
    pa, pb = _dot(offset, along), _dot(offset, aside)
    determinant = (aa * bb - ab * ab).clamp(min=torch.finfo(aa.dtype).tiny)
    v, w = (bb * pa - ab * pb) / determinant, (aa * pb - ab * pa) / determinant
    below = torch.stack([1 - v - w, v, w], dim=-1)
    options = torch.stack([below, *_edge_weights(points, triangles)], dim=-2)
    places = (options[..., None] * triangles[..., None, :, :]).sum(dim=-2)
    squares = (points[..., None, :] - places).square().sum(dim=-1)
    outside = (below < 0).any(dim=-1)
    squares[..., 0] = squares[..., 0].masked_fill(outside, torch.inf)
    best = squares.argmin(dim=-1)[..., None, None].expand(*squares.shape[:-1], 1, 3)
    return options.gather(-2, best).squeeze(-2)


def _edge_weights(points: Tensor, triangles: Tensor) -> list[Tensor]:
    """Weights of the corners at the nearest place on each of the three edges."""
    weights = []
    for start in range(3):
        end = (start + 1) % 3
        origin, direction = (
            triangles[..., start, :],
            triangles[..., end, :] - triangles[..., start, :],
        )
        length = _dot(direction, direction).clamp(min=torch.finfo(points.dtype).tiny)
        share = (_dot(points - origin, direction) / length).clamp(0, 1)
        edge = torch.zeros(*share.shape, 3, dtype=share.dtype, device=share.device)
        edge[..., start], edge[..., end] = 1 - share, share
        weights.append(edge)
    return weights


def _dot(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).sum(dim=-1)
