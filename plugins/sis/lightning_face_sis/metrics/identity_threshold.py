"""The similarity above which a recognition system takes two faces for one person."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["verification_threshold"]

# rows compared at once: 1024 x 30,000 cosines are 120 MB
_ROWS = 1024


def verification_threshold(
    embeddings: Tensor, false_accept_rate: float = 1e-3, persons: Tensor | None = None
) -> Tensor:
    """Find the cosine that at most a given share of pairs of different persons exceeds.

    Without ``persons`` every pair of two rows is taken for an impostor pair; where the same person
    appears twice, the threshold then comes out higher, that is stricter, than it should. With fewer
    pairs than ``1 / false_accept_rate`` no impostor may pass, and the threshold is the largest
    cosine.

    Args:
        embeddings: Embeddings of faces ``(faces, embedding_dim)``, of any length.
        false_accept_rate: Share of impostor pairs that may be accepted, from 0 to below 1.
        persons: Number of the person of each face ``(faces,)``; a negative number stands for
            somebody who appears once.

    Returns:
        The threshold, a scalar; pairs whose cosine is above it are accepted. Nan where all faces
        are of one person.

    Raises:
        ValueError: If there are fewer than two embeddings, or the rate is out of range.

    Source:
        Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", section
        4.2 (verification at a false accept rate).
    """
    if len(embeddings) < 2:
        raise ValueError(f"an impostor pair needs 2 faces, got {len(embeddings)}")
    if not 0 <= false_accept_rate < 1:
        raise ValueError(f"the false accept rate lies in [0, 1), got {false_accept_rate}")
    directions = functional.normalize(embeddings.float())
    faces = len(directions)
    if persons is None:
        persons = directions.new_full((faces,), -1, dtype=torch.long)
    known = persons[persons >= 0]
    repeats = known.unique(return_counts=True)[1]
    pairs = faces * (faces - 1) // 2 - int((repeats * (repeats - 1)).sum()) // 2
    if pairs == 0:
        return directions.new_tensor(torch.nan)
    # the pairs that may be accepted, and the next, which is refused
    kept = int(false_accept_rate * pairs) + 1
    largest = directions.new_empty(0)
    for start in range(0, len(directions), _ROWS):
        cosines = directions[start : start + _ROWS] @ directions[start:].T
        once = torch.ones_like(cosines, dtype=torch.bool).triu(1)
        rows, columns = persons[start : start + _ROWS, None], persons[None, start:]
        impostors = once & ((rows != columns) | (rows < 0))
        largest = torch.cat([largest, cosines[impostors]])
        largest = largest.topk(min(kept, len(largest))).values
    return largest[-1]
