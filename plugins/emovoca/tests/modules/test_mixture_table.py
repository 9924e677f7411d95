"""Rows of mixtures of speech and expression."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face_emovoca.modules.mixture_table import MixtureTable
from lightning_face_emovoca.verification.unit_measures import UnitMeasures

MEASURES = (
    *("lip_correlation", "lip_spread", "closures_kept", "expression_cosine"),
    *("edges_kept", "flipped_faces"),
)


def unit(growth: list[list[float]], nearest: list[list[int]], value: float = 0.5) -> UnitMeasures:
    table = np.full((2, 3), value)
    return UnitMeasures(
        name="actor/sentence",
        frames=np.full((2, 3), 10),
        source_frames=10,
        values=dict.fromkeys(MEASURES, table) | {"expression_growth": np.array(growth)},
        places={},
        nearest=np.array(nearest),
        not_finite=np.full((2, 3), -1),
        last_vertex=np.zeros((2, 3)),
    )


NAN = float("nan")
GROWING = [[NAN, 2.0, 1.5], [NAN, 1.1, 1.2]]


def test_shares_are_of_all_variants_that_say_something():
    table = MixtureTable()
    table.update_mixtures(unit(GROWING, [[0, 0, 0], [1, 1, 1]]))
    rows = table.compute()
    assert rows["intensity_monotonicity"] == rows["emotion_accuracy"] == 1
    table.update_mixtures(unit([[NAN, 0.9, 1.5], [NAN, 1.1, NAN]], [[1, 0, 0], [-1, 1, 1]]))
    rows = table.compute()
    assert rows["intensity_monotonicity"] == pytest.approx(6 / 7)
    assert rows["emotion_accuracy"] == pytest.approx(10 / 11)


def test_measures_are_means_over_variants():
    table = MixtureTable()
    for value in (0.2, 0.8, NAN):
        table.update_mixtures(unit(GROWING, [[0, 0, 0], [1, 1, 1]], value))
    rows = table.compute()
    for name in ("aperture_correlation", "closures_kept", "expression_cosine", "edges_kept"):
        assert rows[name] == pytest.approx(0.5)


def test_reconstructions_are_compared_with_a_face_at_rest():
    table = MixtureTable()
    target = torch.randn(4, 10, 3)
    table.update_reconstruction("talking", 0.75 * target, target)
    table.update_reconstruction("expression", torch.zeros_like(target), target)
    rows = table.compute()
    assert rows["talking_ratio"] == pytest.approx(0.25, rel=1e-5)
    assert rows["expression_ratio"] == pytest.approx(1)
    assert rows["expression_error"] == pytest.approx(
        1000 * target.norm(dim=-1).mean().item(), rel=1e-5
    )
    table.reset()
    table.update_reconstruction("talking", target, target)
    assert table.compute()["talking_error"] == 0
