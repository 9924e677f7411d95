"""FDD as the published evaluation counts it."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import (
    UpperFaceDynamicsDeviation,
    upper_face_dynamics_deviation,
)


def test_a_static_prediction_lacks_the_dynamics_of_the_truth(noise):
    template, target = noise(5, 3), noise(7, 5, 3, seed=1)
    static = template.expand(7, 5, 3)
    upper = torch.tensor([0, 4])
    squares = (target[:, upper] - template[upper]).square().sum(dim=-1)
    expected = squares.std(dim=0, correction=0).mean()
    torch.testing.assert_close(
        upper_face_dynamics_deviation(static, target, template, upper), expected
    )


def test_deviations_of_opposite_signs_cancel_in_the_signed_mean_only(noise):
    template, moving = noise(5, 3), noise(7, 5, 3, seed=1)
    static, upper = template.expand(7, 5, 3), torch.tensor([0, 4])
    metric = UpperFaceDynamicsDeviation()
    metric.update(static, moving, template, upper)
    metric.update(moving, static, template, upper)
    values = metric.compute()
    assert values["signed"].item() == pytest.approx(0, abs=1e-12)
    single = upper_face_dynamics_deviation(static, moving, template, upper)
    assert values["absolute"].item() == pytest.approx(single.item(), rel=1e-6)
