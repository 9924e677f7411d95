from __future__ import annotations

import pytest
import torch
from diffusers import DDIMInverseScheduler

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.inversion import invert, stochastic_encode
from lightning_face_sis.diffusion.sampling import reconstruct, sample
from lightning_face_sis.diffusion.timesteps import spaced_timesteps


@pytest.fixture(scope="module")
def clean(mixture):
    draw = torch.Generator().manual_seed(5)
    modes = mixture.modes[torch.randint(16, (6,), generator=draw)].view(6, *mixture.shape)
    return (modes + 0.25 * torch.randn(6, *mixture.shape, generator=draw)).float()


LABELS, STYLES = torch.zeros(6, 1, 16, 16, dtype=torch.uint8), torch.zeros(6, 5, 4)


def test_inversion_is_the_librarys(exact, schedule, mixture, clean):
    scheduler = DDIMInverseScheduler(
        num_train_timesteps=1000,
        beta_start=0.0015,
        beta_end=0.0195,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="leading",
    )
    scheduler.alphas_cumprod = schedule.alphas_cumprod
    scheduler.initial_alpha_cumprod = schedule.alphas_cumprod[0]
    scheduler.set_timesteps(20)
    latents = clean
    for timestep in scheduler.timesteps:
        predicted = mixture.predict(latents, int(timestep))
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    found = invert(exact, clean, LABELS, STYLES, steps=20)
    torch.testing.assert_close(found.noise, latents, rtol=1e-4, atol=1e-4)
    assert found.timesteps == tuple(range(1, 1000, 50))
    assert len(found.latents) == 21
    assert found.latents[0] is clean


@pytest.mark.parametrize("spacing", ["reference", "linspace", "log_snr"])
def test_the_way_leads_back_the_better_the_more_steps(exact, clean, spacing):
    away = []
    for steps in (20, 100, 400):
        back = reconstruct(exact, clean, LABELS, STYLES, steps=steps, spacing=spacing)
        away.append(float((back - clean).square().mean().sqrt()))
    assert away[0] > away[1] > away[2]
    assert away[2] < 0.03


def test_part_of_the_way(exact, clean):
    inversion = invert(exact, clean, LABELS, STYLES, steps=50, up_to=20)
    whole = invert(exact, clean, LABELS, STYLES, steps=50)
    assert inversion.timesteps == whole.timesteps[:20]
    assert torch.equal(inversion.noise, whole.latents[20])
    steps = []
    back = reconstruct(
        exact,
        clean,
        LABELS,
        STYLES,
        steps=50,
        up_to=20,
        on_step=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(number, 40) for number in range(1, 41)]
    by_hand = sample(
        exact, LABELS, STYLES, noise=inversion.noise, sampler="ddim", steps=50, skip=30
    )
    assert torch.equal(back, by_hand)


@pytest.mark.parametrize("kind", ["null_style", "zeros"])
def test_guided_inversion_of_a_network(small_diffusion, stripes, styles, kind):
    latents = torch.randn(3, 3, 16, 16)
    plain = invert(small_diffusion, latents, stripes, styles, steps=3)
    guided = invert(
        small_diffusion,
        latents,
        stripes,
        styles,
        steps=3,
        guidance_scale=1.5,
        unconditional=kind,
    )
    assert not torch.equal(plain.noise, guided.noise)
    assert torch.isfinite(guided.noise).all()


def test_random_noise_of_the_level_of_a_step(schedule, clean):
    noise = torch.randn_like(clean)
    indices = torch.tensor([0, 3, 3, 9, 9, 5])
    found = stochastic_encode(schedule, clean, noise, indices, steps=10)
    times = spaced_timesteps(schedule, 10, "reference")[indices]
    assert times.tolist() == [1, 301, 301, 901, 901, 501]
    torch.testing.assert_close(found, schedule.add_noise(clean, noise, times))


@pytest.mark.parametrize("up_to", [0, 11])
def test_more_steps_than_there_are(exact, clean, up_to):
    with pytest.raises(ConfigError, match=f"up_to={up_to} must lie between 1 and the 10 steps"):
        invert(exact, clean, LABELS, STYLES, steps=10, up_to=up_to)
