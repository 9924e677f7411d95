"""Rows of landmarks that follow speech."""

from __future__ import annotations

import pytest
import torch

from lightning_face_emovoca.landmarks import INNER_LIPS, normalize_landmarks
from lightning_face_emovoca.modules.landmark_table import LandmarkTable, motion_correlation


@pytest.fixture
def still() -> torch.Tensor:
    return normalize_landmarks(torch.randn(68, 3, generator=torch.Generator().manual_seed(0)))


def speaking(still: torch.Tensor, emotion: int, frames: int = 12) -> torch.Tensor:
    """Landmarks whose lower lip opens twice, with an expression."""
    moved = still.repeat(frames, 1, 1)
    opening = torch.linspace(0, 12.6, frames).sin().square()
    moved[:, [low for _, low in INNER_LIPS], 1] -= 0.1 * opening[:, None]
    moved[:, 17 + emotion, 2] += 0.05
    return moved


def rows_of(still: torch.Tensor, predict) -> dict[str, float]:
    table = LandmarkTable()
    for emotion in range(3):
        target = speaking(still, emotion)
        table.update(predict(target, emotion), target, still, emotion, 0)
    return {name: row.item() for name, row in table.compute().items()}


def test_the_truth_is_without_fault(still):
    rows = rows_of(still, lambda target, emotion: target)
    assert rows["landmark_error"] == rows["mouth_error"] == rows["mse_ratio"] == 0
    for name in ("motion_correlation", "aperture_correlation", "label_accuracy"):
        assert rows[name] == pytest.approx(1)


def test_a_face_at_rest_has_a_ratio_of_one(still):
    rows = rows_of(still, lambda target, emotion: still.expand_as(target))
    assert rows["mse_ratio"] == pytest.approx(1)
    assert rows["motion_correlation"] == rows["aperture_correlation"] == 0


def test_errors_are_mean_distances_in_thousandths(still):
    off = torch.zeros(68, 3)
    off[48:, 0] = 0.01
    rows = rows_of(still, lambda target, emotion: target + off)
    assert rows["mouth_error"] == pytest.approx(10, rel=1e-4)
    assert rows["landmark_error"] == pytest.approx(10 * 20 / 68, rel=1e-4)


def test_the_wrong_expression_is_noticed(still):
    rows = rows_of(still, lambda target, emotion: speaking(still, (emotion + 1) % 3))
    assert rows["emotion_accuracy"] == rows["label_accuracy"] == 0
    assert rows["intensity_accuracy"] == 1
    assert rows["motion_correlation"] == pytest.approx(1)


def test_reset_forgets(still):
    table = LandmarkTable()
    target = speaking(still, 0)
    table.update(still.expand_as(target), target, still, 0, 0)
    table.reset()
    table.update(target, target, still, 0, 0)
    assert table.compute()["mse_ratio"] == 0


def test_correlation_is_of_what_moves():
    still = torch.randn(5, 3)
    motion = torch.randn(7, 5, 3)
    assert motion_correlation(still + motion, motion) == pytest.approx(1)
    assert motion_correlation(still - motion, motion) == pytest.approx(-1)
    assert motion_correlation(still.expand(7, 5, 3), motion) == 0
