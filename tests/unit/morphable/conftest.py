"""A small made-up face model."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.morphable import Basis, LinearFaceModel

ROWS, COLUMNS = 14, 20


def ellipsoid():
    """An egg of ROWS x COLUMNS vertices, y up, and its triangles seen from outside."""
    height = np.linspace(0.1, np.pi - 0.1, ROWS)[:, None]
    around = np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)[None]
    vertices = np.stack(
        [
            0.07 * np.sin(height) * np.sin(around),
            0.10 * np.cos(height) * np.ones_like(around),
            0.08 * np.sin(height) * np.cos(around) * (1 + 0.2 * np.cos(height)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    faces = []
    for row in range(ROWS - 1):
        for column in range(COLUMNS):
            right = (column + 1) % COLUMNS
            a, b = row * COLUMNS + column, row * COLUMNS + right
            faces += [(a, a + COLUMNS, b), (b, a + COLUMNS, b + COLUMNS)]
    return vertices, np.array(faces)


def random_basis(count, rng, scale):
    components, _ = np.linalg.qr(rng.normal(size=(3 * ROWS * COLUMNS, count)))
    return Basis(components, np.linspace(2, 1, count) * scale)


@pytest.fixture(scope="session")
def model():
    rng = np.random.default_rng(0)
    mean, faces = ellipsoid()
    lists = {
        "ibug68": rng.choice(len(mean), 68, replace=False),
        "mediapipe478": rng.integers(0, len(mean), 478),
    }
    return LinearFaceModel(
        mean, random_basis(4, rng, 1e-3), random_basis(6, rng, 1e-4), faces, lists
    )


@pytest.fixture(scope="session")
def vertices(model):
    return model.landmarks["ibug68"]


@pytest.fixture
def make_landmarks(model, vertices):
    """Landmarks of turning heads with known coefficients, and these."""

    def make(frames, noise=0.0, seed=0):
        rng = np.random.default_rng(seed)
        identity = rng.normal(size=4) * 0.02
        expression = rng.normal(size=(frames, 6)) * 0.01
        angles = rng.uniform(-0.3, 0.3, frames)
        cosine, sine, zero = np.cos(angles), np.sin(angles), np.zeros(frames)
        matrix = 1500 * np.stack(
            [np.stack([cosine, zero, sine], -1), np.stack([zero, zero - 1, zero], -1)], axis=1
        )
        points = model.face(identity, expression)[:, vertices]
        landmarks = points @ matrix.swapaxes(1, 2) + (320, 240)
        return landmarks + noise * rng.normal(size=landmarks.shape), identity, expression

    return make
