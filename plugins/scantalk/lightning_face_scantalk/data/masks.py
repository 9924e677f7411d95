"""Vertices of the lips and of the upper face, and the two lips told apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh
from lightning_face.mesh.vertex_mask import read_mask
from lightning_face_scantalk.data.layout import HeadLayout

__all__ = ["HeadMasks", "read_masks", "split_lips"]

Indices = NDArray[np.int64]

_MIDDLES = (0.5, 0.35, 0.25)


@dataclass(frozen=True, eq=False)
class HeadMasks:
    """Vertices of parts of a face, counted from 0.

    Attributes:
        lips: Vertices of the lips ``(lips,)``.
        upper: Vertices of the upper face ``(upper,)``.
        upper_lip: Vertices of the middle of the upper lip.
        lower_lip: Vertices of the middle of the lower lip.
    """

    lips: Indices
    upper: Indices
    upper_lip: Indices
    lower_lip: Indices


def read_masks(folder: Path, layout: HeadLayout, head: Mesh) -> HeadMasks:
    """Read the masks of a data set.

    Args:
        folder: Folder of the data set.
        layout: Where its files are.
        head: The head by which lips are told apart that no file tells apart.

    Raises:
        DataError: A file is missing, damaged, or names vertices that the heads do not have.
    """

    def read(name: str) -> Indices:
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} is missing; get {layout.source}")
        return read_mask(path, len(head.vertices))

    lips, upper = read(layout.lips), read(layout.upper)
    if layout.upper_lip is not None and layout.lower_lip is not None:
        return HeadMasks(lips, upper, read(layout.upper_lip), read(layout.lower_lip))
    try:
        return HeadMasks(lips, upper, *split_lips(head, lips))
    except DataError as error:
        raise DataError(f"{folder / layout.lips}: {error}") from error


def split_lips(head: Mesh, lips: Indices) -> tuple[Indices, Indices]:
    """Tell the upper lip from the lower one.

    In the middle of the mouth the lips of a head that can speak hang together nowhere, since they
    are cut apart; so the two pieces of the mask in the middle half of its width are the lips, or in
    less than half where the mouth is narrower than the mask. Where the mask stays one piece, as on
    a mesh with a closed mouth, its points are told apart by their height: above or below half the
    height of the mask.

    Args:
        head: Neutral head, y up.
        lips: Vertices of the lips.

    Returns:
        Vertices of the middle of the upper lip and of the lower lip, ascending.

    Raises:
        DataError: The mask has no extent, so there are no two lips.
    """
    lips = np.unique(lips)
    x, y = head.vertices[lips, 0], head.vertices[lips, 1]
    distance = np.abs(x - (x.min() + x.max()) / 2) / max(np.ptp(x), np.finfo(float).tiny)
    for share in _MIDDLES:
        chosen = lips[distance <= share / 2]
        pieces = _two_pieces(head, chosen)
        if pieces is not None:
            first, second = pieces
            if head.vertices[first, 1].mean() < head.vertices[second, 1].mean():
                first, second = second, first
            return first, second
    middle, half = distance <= _MIDDLES[0] / 2, (y.min() + y.max()) / 2
    upper, lower = lips[middle & (y > half)], lips[middle & (y < half)]
    if not (len(upper) and len(lower)):
        raise DataError("the vertices of the lips do not make an upper and a lower lip")
    return upper, lower


def _two_pieces(head: Mesh, chosen: Indices) -> tuple[Indices, Indices] | None:
    """Return the two connected pieces that some vertices consist of, but for a few strays."""
    if len(chosen) < 2:
        return None
    number = np.full(len(head.vertices), -1)
    number[chosen] = np.arange(len(chosen))
    edges = number[head.faces][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    rows, columns = edges[(edges >= 0).all(axis=1)].T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(chosen),) * 2)
    _, piece = connected_components(graph, directed=False)
    sizes = np.bincount(piece, minlength=2)
    first, second = np.argsort(-sizes, kind="stable")[:2]
    # a stray vertex at the border of the middle is no lip
    if sizes[second] < 0.2 * len(chosen) or sizes[[first, second]].sum() < 0.8 * len(chosen):
        return None
    return chosen[piece == first], chosen[piece == second]
