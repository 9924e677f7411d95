"""Rates and the teacher's weight over a training."""

from __future__ import annotations

import pytest

from lightning_face_mars.modules.schedule import WarmUpCosine, distillation_weight


def test_warms_up_in_the_first_epoch_then_falls_to_the_end():
    schedule = WarmUpCosine(
        epochs=10, min_lr=0.0, warmup_lr=0.1, warmup_changes=3, warmup_interval=5
    )
    first = [schedule.learning_rate(1.0, 0, iteration) for iteration in range(30)]
    steps = [0.1] * 6 + [0.4] * 5 + [0.7] * 5 + [1.0] * 14
    assert first == pytest.approx(steps)
    later = [schedule.learning_rate(1.0, epoch, 7) for epoch in range(1, 11)]
    assert later == sorted(later, reverse=True)
    assert later[4] == pytest.approx(0.5)
    assert later[-1] == pytest.approx(0.0)


def test_without_warm_up_it_begins_with_the_rate_of_the_group():
    schedule = WarmUpCosine(warmup_changes=0, warmup_lr=0.5)
    assert schedule.learning_rate(1.0, 0, 0) == 1.0


def test_teacher_gains_weight():
    rising = [distillation_weight(0.4, e, i, 4, 2) for e in range(3) for i in range(4)]
    expected = [0.4 * n / 8 for n in range(8)] + [0.4] * 4
    assert rising == pytest.approx(expected)
    assert distillation_weight(0.4, 0, 0, 4, 0) == 0.4
