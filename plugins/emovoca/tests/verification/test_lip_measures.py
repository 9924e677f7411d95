"""Curves of lips against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lightning_face_emovoca.verification.lip_measures import (
    closures,
    correlation,
    lag_of,
    spread_ratio,
)

FRAMES = np.arange(120)
SOURCE = 0.005 * (1 + np.sin(FRAMES / 7) * np.sin(FRAMES / 17 + 1))
STILL = np.full(120, 0.004)


@pytest.mark.parametrize("late", [-5, -1, 0, 1, 8])
def test_lag_is_by_how_much_a_curve_is_late(late):
    assert lag_of(np.interp(FRAMES - late, FRAMES, SOURCE), SOURCE) == late


def test_a_copy_follows_perfectly_and_a_still_mouth_not_at_all():
    assert correlation(3 * SOURCE + 1, SOURCE) == pytest.approx(1)
    assert correlation(-SOURCE, SOURCE) == pytest.approx(-1)
    assert correlation(STILL, SOURCE) == 0
    assert spread_ratio(3 * SOURCE + 1, SOURCE) == pytest.approx(3)
    assert spread_ratio(STILL, SOURCE) == pytest.approx(0)


def test_nothing_is_said_of_a_source_that_is_still():
    for measure in (correlation, lag_of, spread_ratio):
        assert math.isnan(measure(SOURCE, STILL))
    share, frame = closures(SOURCE, STILL)
    assert math.isnan(share)
    assert frame == -1


def test_closures_that_stay_open_are_counted():
    assert closures(SOURCE + 0.01, SOURCE)[0] == 1
    spoilt = SOURCE.copy()
    lowest = int(SOURCE.argmin())
    spoilt[lowest] = 0.02
    share, frame = closures(spoilt, SOURCE)
    assert share == pytest.approx(1 - 1 / 6)
    assert frame == lowest


def test_lips_pressed_through_each_other_are_closed():
    pressed = SOURCE.copy()
    pressed[SOURCE.argmin()] = -0.002
    assert closures(pressed, SOURCE)[0] == 1


def test_a_source_that_never_closes_keeps_all_its_closures():
    assert closures(SOURCE, np.maximum(SOURCE, 0.005)) == (1.0, -1)
