from __future__ import annotations

import pytest
import torch
from diffusers import DDPMScheduler

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule

BUFFERS = (
    *("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod"),
    *("sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod"),
    *("sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance"),
    *("posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2"),
)


def test_buffers_are_the_twelve_of_published_checkpoints(schedule):
    state = schedule.state_dict()
    assert tuple(state) == BUFFERS
    assert all(each.shape == (1000,) and each.dtype == torch.float32 for each in state.values())
    assert all(torch.isfinite(each).all() for each in state.values())
    assert len(schedule) == 1000


def test_levels_are_those_of_the_library(schedule):
    settings = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}
    theirs = DDPMScheduler(num_train_timesteps=1000, **settings).alphas_cumprod
    # it computes with 32 bits
    torch.testing.assert_close(schedule.alphas_cumprod, theirs, rtol=2e-6, atol=0)
    assert float(schedule.alphas_cumprod[0]) == pytest.approx(0.9985, abs=1e-6)
    assert float(schedule.alphas_cumprod[-1]) == pytest.approx(1.423e-4, rel=1e-3)


def test_noise_is_added_and_taken_away(schedule):
    draw = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 4, 3, 4, 6, generator=draw)
    times = torch.tensor([0, 10, 500, 999])
    noisy = schedule.add_noise(clean, noise, times)
    levels = schedule.alphas_cumprod[times].view(-1, 1, 1, 1)
    torch.testing.assert_close(noisy, levels.sqrt() * clean + (1 - levels).sqrt() * noise)
    torch.testing.assert_close(
        schedule.predict_clean(noisy, noise, times), clean, rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(schedule.noise_of(noisy, clean, times), noise, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("parameterization", ["eps", "x0"])
def test_weights_of_the_bound_are_finite_and_fall_with_time_for_noise(schedule, parameterization):
    weights = schedule.lvlb_weights(parameterization)
    assert torch.isfinite(weights).all()
    assert weights[0] == weights[1]
    assert (weights > 0).all()
    left = schedule.alphas_cumprod
    if parameterization == "x0":
        torch.testing.assert_close(weights[1:], (0.5 * left.sqrt() / (2 - left))[1:])
    else:
        assert weights[1] > weights[100] > weights[300]


@pytest.mark.parametrize("move", [torch.nn.Module.half, torch.nn.Module.bfloat16])
def test_levels_keep_their_precision(schedule, move):
    moved = move(torch.nn.Sequential(torch.nn.Linear(2, 2), NoiseSchedule()))
    assert moved[0].weight.dtype != torch.float32
    assert all(
        torch.equal(each, schedule.state_dict()[name])
        for name, each in moved[1].state_dict().items()
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"num_timesteps": 1},
        {"linear_start": 0.0},
        {"linear_end": 1.0},
        {"linear_start": 0.02, "linear_end": 0.01},
    ],
)
def test_settings_that_make_no_schedule(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        NoiseSchedule(**settings)


def test_it_follows_a_device_context_that_has_forgotten_a_function(monkeypatch):
    # transformers replaces torch.linspace while it loads a model, and contexts note what they find
    replaced = torch.utils._device._device_constructors() - {torch.linspace}
    monkeypatch.setattr(torch.utils._device, "_device_constructors", lambda: replaced)
    with torch.device("meta"):
        schedule = NoiseSchedule(10)
    assert {buffer.device.type for buffer in schedule.buffers()} == {"meta"}
    assert {buffer.device.type for buffer in NoiseSchedule(10).buffers()} == {"cpu"}
