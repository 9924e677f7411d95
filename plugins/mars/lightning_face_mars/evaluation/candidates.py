"""The most similar images of each caption, and the order in which a search shows the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lightning_face.errors import RunError
from lightning_face_mars.metrics.ranking import row_blocks

__all__ = ["OUTSIDE", "Candidates", "Tail", "ranked_rows", "top_candidates"]

Tail = Literal["reference", "similarity"]

OUTSIDE = -100.0
"""Score of the images that were not looked at twice."""


class Candidates(NamedTuple):
    """The most similar images of each caption, the best first.

    Attributes:
        places: Places in the gallery ``(captions, candidates)``.
        similarity: Their cosine similarities, -1..1.
    """

    places: Tensor
    similarity: Tensor


def top_candidates(text_features: Tensor, image_features: Tensor, count: int) -> Candidates:
    """Choose the most similar images of each caption; equal ones in the order of the gallery.

    Args:
        text_features: Unit features of the captions ``(captions, features)``.
        image_features: Unit features of the gallery ``(gallery, features)``.
        count: Candidates a caption; the whole gallery where it is smaller.

    Returns:
        The candidates.

    Raises:
        RunError: If a feature is not finite.
    """
    if not (text_features.isfinite().all() and image_features.isfinite().all()):
        raise RunError(
            "features of captions or images are not finite: the weights are damaged, or the "
            "training that made them went astray"
        )
    count = min(count, len(image_features))
    places, similarity = [], []
    for rows in row_blocks(len(text_features), len(image_features)):
        block = text_features[rows] @ image_features.T
        chosen = _first_largest(block, count)
        values, order = block.gather(1, chosen).sort(dim=1, descending=True, stable=True)
        places.append(chosen.gather(1, order))
        similarity.append(values)
    if not places:
        return Candidates(
            torch.zeros(0, count, dtype=torch.int64), text_features.new_zeros(0, count)
        )
    return Candidates(torch.cat(places), torch.cat(similarity))


def _first_largest(rows: Tensor, count: int) -> Tensor:
    """Return the columns of the largest values in ascending order, of equal ones the first."""
    if count == 0:
        return torch.zeros(len(rows), 0, dtype=torch.int64, device=rows.device)
    # a selection is several times faster than a stable sort, but leaves open which of equals it
    # takes
    bound = rows.topk(count, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
    above, equal = rows > bound, rows == bound
    wanted = count - above.sum(dim=1, keepdim=True)
    kept = above | (equal & (equal.cumsum(dim=1) <= wanted))
    return kept.nonzero(as_tuple=True)[1].view(len(rows), count)


def ranked_rows(
    text_features: Tensor,
    image_features: Tensor,
    candidates: Candidates | None = None,
    scores: Tensor | None = None,
    tail: Tail = "reference",
) -> Iterator[tuple[slice, Tensor]]:
    """Make the rows by which the whole gallery is ranked, a block at a time.

    Args:
        text_features: Unit features of the captions ``(captions, features)``.
        image_features: Unit features of the gallery ``(gallery, features)``.
        candidates: Images that were looked at twice; None ranks by similarity alone.
        scores: Matching scores of the candidates ``(captions, candidates)``.
        tail: What follows the candidates: ``reference`` gives all others -100, and ties stay in
            the order of the gallery, ``similarity`` goes on by similarity.

    Yields:
        The captions of a block, and their rows ``(captions of the block, gallery)``.
    """
    for rows in row_blocks(len(text_features), len(image_features)):
        if candidates is None or scores is None:
            yield rows, text_features[rows] @ image_features.T
            continue
        places, values = candidates.places[rows], scores[rows]
        if tail == "reference":
            block = values.new_full((len(values), len(image_features)), OUTSIDE)
        else:
            block = (text_features[rows] @ image_features.T).double()
            # no similarity reaches 2; scores that differ must still do so behind the shift
            values = values.double() - values.amin(dim=1, keepdim=True) + 2
        yield rows, block.scatter_(1, places, values)
