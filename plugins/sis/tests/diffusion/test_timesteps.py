from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule
from lightning_face_sis.diffusion.timesteps import spaced_timesteps

# numbers of steps with which the published code asks for a timestep that does not exist
FAILING = [3, 9, 27, 36, 37, *range(101, 112), *range(251, 334), *range(501, 1000)]


@pytest.mark.parametrize(
    ("steps", "count"), [(1, 1), (10, 10), (30, 31), (75, 77), (150, 167), (180, 200), (200, 200)]
)
def test_reference_spacing_counts_as_the_published_code(schedule, steps, count):
    found = spaced_timesteps(schedule, steps, "reference")
    assert len(found) == count
    assert found[0] == 1
    assert (found.diff() == 1000 // steps).all()


def test_reference_spacing_has_no_timestep_beyond_the_last(schedule):
    for steps in FAILING:
        found = spaced_timesteps(schedule, steps, "reference")
        assert found[-1] == 999, steps
        assert (found.diff() > 0).all(), steps


@pytest.mark.parametrize("spacing", ["linspace", "log_snr"])
@pytest.mark.parametrize("steps", [1, 2, 7, 20, 101, 333, 999])
@pytest.mark.parametrize("cleanest", [0, 1])
def test_other_spacings_have_exactly_the_steps(schedule, spacing, steps, cleanest):
    found = spaced_timesteps(schedule, steps, spacing, cleanest)
    assert len(found) == steps
    assert found[-1] == 999
    assert steps == 1 or found[0] == cleanest
    assert (found.diff() > 0).all()


def test_log_snr_spacing_is_even_where_timesteps_are_dense_enough(schedule):
    found = spaced_timesteps(schedule, 12, "log_snr")
    left = schedule.alphas_cumprod[found].double()
    steps = (left / (1 - left)).log().diff()
    assert float(steps.std() / steps.mean().abs()) < 0.2
    linear = spaced_timesteps(schedule, 12, "linspace")
    assert (linear.diff() - 998 / 11).abs().max() <= 1


@pytest.mark.parametrize("steps", [0, -1, 1000])
def test_numbers_of_steps_that_do_not_fit(schedule, steps):
    with pytest.raises(ConfigError, match=f"steps={steps} must lie between 1 and 999"):
        spaced_timesteps(schedule, steps)


def test_an_unknown_spacing(schedule):
    with pytest.raises(ConfigError, match=r"spacing='karras' .* reference, linspace, log_snr"):
        spaced_timesteps(schedule, 5, "karras")


def test_a_short_schedule():
    short = NoiseSchedule(20)
    assert torch.equal(spaced_timesteps(short, 5, "reference"), torch.tensor([1, 5, 9, 13, 17]))
