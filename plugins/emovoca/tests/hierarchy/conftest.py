from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from lightning_face.mesh import Mesh


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep hierarchies of tests apart from those of the user."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_sheet(rows: int = 9, columns: int = 8) -> Mesh:
    """A triangle lattice with a boundary, of 10 mm edges, slightly bent."""
    row, column = np.indices((rows, columns))
    x, y = 0.01 * (column + 0.5 * (row % 2)), 0.01 * np.sqrt(0.75) * row
    vertices = np.stack([x, y, 0.2 * (x - 0.04) ** 2 + 0.1 * (y - 0.03) ** 2], axis=-1)
    faces = []
    for i in range(rows - 1):
        for j in range(columns - 1):
            a, b = i * columns + j, i * columns + j + 1
            c, d = a + columns, b + columns
            faces += [[a, b, d], [a, d, c]] if i % 2 else [[a, b, c], [b, d, c]]
    return Mesh(vertices.reshape(-1, 3), np.array(faces))


def make_ball(count: int = 60, radius: float = 0.02, centre: float = 0.0) -> Mesh:
    """A closed surface around a point of the x axis."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(1 - height**2)
    points = np.stack([across * np.cos(angle), across * np.sin(angle), height], axis=1)
    hull = ConvexHull(points)
    faces = hull.simplices.astype(np.int64)
    corners = points[faces]
    inward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * corners[:, 0]
    turned = inward.sum(axis=1) < 0
    faces[turned] = faces[turned][:, ::-1]
    return Mesh(radius * points + [centre, 0, 0], faces)


@pytest.fixture
def sheet() -> Callable[..., Mesh]:
    return make_sheet


@pytest.fixture
def head() -> Mesh:
    """A bent sheet and two balls, that touch nowhere."""
    parts = [make_sheet(13, 12), make_ball(40, 0.01, -0.05), make_ball(40, 0.01, 0.2)]
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]),
    )
