from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy


def make_hierarchy(
    sizes: Sequence[int] = (40, 12, 5),
    lengths: Sequence[int] = (6, 5, 4),
    first_kept: int = 1,
    seed: int = 0,
) -> MeshHierarchy:
    """Tables of no mesh: networks only gather by them."""
    random = np.random.default_rng(seed)
    spirals, down, up = [], [], []
    for size, length in zip(sizes, lengths, strict=True):
        table = random.integers(-1, size, (size + 1, length))
        table[:, 0] = np.arange(size + 1)
        table[-1] = -1
        spirals.append(table.astype(np.int32))
    for fine, coarse in pairwise(sizes):
        others = np.sort(random.choice(np.arange(first_kept + 1, fine), coarse - 1, replace=False))
        down.append(np.array([first_kept, *others]))
        indices = random.integers(0, coarse, (fine, 3))
        weights = random.uniform(-0.5, 1.5, (fine, 3))
        weights[::4, 1:] = 0
        up.append((indices, weights))
    return MeshHierarchy(
        [random.standard_normal((size, 3)) for size in sizes],
        [np.zeros((0, 3), np.int64) for _ in sizes],
        down,
        up,
        spirals,
    )


@pytest.fixture
def hierarchy() -> Callable[..., MeshHierarchy]:
    return make_hierarchy
