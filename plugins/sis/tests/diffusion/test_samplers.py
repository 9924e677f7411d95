from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler, PNDMScheduler

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.samplers import DDIM, build_sampler, ddim_table
from lightning_face_sis.diffusion.timesteps import spaced_timesteps

LIBRARY = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
}


def run(sampler, latents, predict, noise=None):
    for index in range(len(sampler.timesteps)):
        added = None if noise is None else noise[index]
        latents, clean = sampler.step(index, latents, predict, added)
    return latents, clean


def library_run(scheduler, schedule, latents, predict, steps, **settings):
    scheduler.alphas_cumprod = schedule.alphas_cumprod
    scheduler.final_alpha_cumprod = schedule.alphas_cumprod[0]
    scheduler.set_timesteps(steps)
    noise = settings.pop("noise", None)
    for index, timestep in enumerate(scheduler.timesteps):
        extra = {} if noise is None else {"variance_noise": noise[index]}
        predicted = predict(latents, int(timestep))
        latents = scheduler.step(predicted, timestep, latents, **settings, **extra).prev_sample
    return latents


def error(latents, exact):
    """Root mean square, picture by picture, of the typical picture.

    Where few steps lead a picture to another mode than many do, there is nothing to measure.
    """
    return float((latents.double() - exact).square().flatten(1).mean(1).sqrt().median())


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_is_the_librarys_where_steps_divide_the_schedule(schedule, mixture, eta):
    noise = torch.randn(20, 32, *mixture.shape, generator=torch.Generator().manual_seed(1))
    scheduler = DDIMScheduler(**LIBRARY, clip_sample=False)
    settings = {"eta": eta, "noise": noise} if eta else {}
    wanted = library_run(scheduler, schedule, mixture.start, mixture.predict, 20, **settings)
    found, _ = run(
        build_sampler("ddim", schedule, 20, eta=eta), mixture.start, mixture.predict, noise
    )
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_plms_is_the_librarys(schedule, mixture):
    scheduler = PNDMScheduler(**LIBRARY, skip_prk_steps=True)
    wanted = library_run(scheduler, schedule, mixture.start, mixture.predict, 10)
    found, _ = run(build_sampler("plms", schedule, 10), mixture.start, mixture.predict)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_timesteps_of_a_solver_are_where_its_levels_are(schedule):
    sampler = build_sampler("dpm++", schedule, 20)
    left = schedule.alphas_cumprod[list(sampler.timesteps)]
    # to the last bit: the library's own table is a little different
    assert torch.equal(sampler._solver.alphas_cumprod, schedule.alphas_cumprod)
    sigmas = ((1 - left.double()) / left.double()).sqrt().float()
    torch.testing.assert_close(sampler._solver.sigmas[:-1], sigmas)
    assert float(sampler._solver.sigmas[-1]) == 0


def test_few_steps_of_the_solver_are_as_exact_as_very_many_of_ddim(
    schedule, mixture, exact_samples
):
    def of(name, steps, spacing=None):
        sampler = build_sampler(name, schedule, steps, spacing=spacing)
        return error(run(sampler, mixture.start, mixture.predict)[0], exact_samples)

    default = of("dpm++", 20)
    assert default < 0.01
    assert default < of("ddim", 200)
    assert of("dpm++", 15) < of("ddim", 100) / 2
    # more steps help
    assert of("ddim", 200) < of("ddim", 50) < of("ddim", 10)
    assert of("plms", 50, "linspace") < of("ddim", 50) / 4


@pytest.mark.parametrize("name", ["ddim", "plms", "dpm++"])
@pytest.mark.parametrize("spacing", ["reference", "linspace", "log_snr"])
def test_every_sampler_with_every_spacing_comes_near_the_modes(schedule, mixture, name, spacing):
    sampler = build_sampler(name, schedule, 40, spacing=spacing)
    latents, clean = run(sampler, mixture.start, mixture.predict)
    away = torch.cdist(latents.double().flatten(1), mixture.modes).min(1).values
    # in 48 dimensions points of a mode lie 0.25 * sqrt(48) from its middle
    assert (away < 2.4).all()
    torch.testing.assert_close(latents, clean, rtol=0, atol=0.2)


def test_predicted_latents_can_be_quantised(schedule, mixture):
    codes = torch.linspace(-2, 2, 9)

    def quantize(latents):
        return codes[(latents.unsqueeze(-1) - codes).abs().argmin(-1)]

    sampler = build_sampler("ddim", schedule, 5, quantize=quantize)
    latents, clean = run(sampler, mixture.start, mixture.predict)
    assert torch.isin(clean, codes).all()
    assert not torch.isin(latents, codes).all()


def test_one_step_is_allowed_everywhere(schedule, mixture):
    for name in ("ddim", "plms", "dpm++"):
        latents, _ = run(build_sampler(name, schedule, 1), mixture.start, mixture.predict)
        assert torch.isfinite(latents).all()


def test_the_last_step_of_ddim_lands_on_the_first_level(schedule):
    table = ddim_table(schedule, spaced_timesteps(schedule, 10, "reference"), 1.0)
    assert float(table.alphas_prev[0]) == float(schedule.alphas_cumprod[0])
    assert torch.equal(table.alphas_prev[1:], table.alphas[:-1])
    latents = torch.randn(1, 3, 2, 2)
    moved, clean = DDIM(ddim_table(schedule, torch.tensor([1]))).move(0, latents, latents)
    left = float(schedule.alphas_cumprod[0])
    torch.testing.assert_close(moved, left**0.5 * clean + (1 - left) ** 0.5 * latents)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "euler"}, r"sampler='euler' must be one of ddim, plms, dpm\+\+"),
        ({"name": "ddim", "eta": 1.5}, "eta=1.5 must lie between 0 and 1"),
        ({"name": "plms", "eta": 0.5}, "eta=0.5 belongs to sampler=ddim"),
        ({"name": "dpm++", "eta": 0.5}, "eta=0.5 belongs to sampler=ddim"),
        ({"name": "dpm++", "quantize": torch.round}, "sampler=ddim or plms"),
        ({"name": "ddim", "steps": 0}, "steps=0"),
        ({"name": "dpm++", "spacing": "cosine"}, "spacing='cosine'"),
    ],
)
def test_settings_that_do_not_fit(schedule, settings, message):
    with pytest.raises(ConfigError, match=message):
        build_sampler(**{"schedule": schedule, "steps": 10} | settings)
