from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.inversion import invert
from lightning_face_sis.diffusion.samplers import build_sampler
from lightning_face_sis.diffusion.sampling import denoise, sample
from lightning_face_sis.diffusion.seeds import seeded_noise

SAMPLERS = [
    {"sampler": "ddim", "steps": 4},
    {"sampler": "ddim", "steps": 4, "eta": 1.0},
    {"sampler": "plms", "steps": 4},
    {"sampler": "dpm++", "steps": 4},
    {"sampler": "dpm++", "steps": 4, "guidance_scale": 2.0},
]


@pytest.mark.parametrize("settings", SAMPLERS)
def test_a_picture_does_not_depend_on_its_batch(small_diffusion, stripes, styles, settings):
    together = sample(small_diffusion, stripes, styles, seeds=[7, 8, 9], **settings)
    for index, seed in enumerate([7, 8, 9]):
        one = slice(index, index + 1)
        alone = sample(small_diffusion, stripes[one], styles[one], seeds=[seed], **settings)
        torch.testing.assert_close(together[one], alone, rtol=1e-3, atol=1e-3)


def test_the_seed_decides(small_diffusion, stripes, styles):
    first, second, third = (
        sample(small_diffusion, stripes, styles, seeds=seeds, steps=3)
        for seeds in ([1, 1, 1], [1, 1, 1], [1, 1, 2])
    )
    assert torch.equal(first, second)
    assert torch.equal(first[:2], third[:2])
    assert not torch.allclose(first[2], third[2], atol=0.1)


def test_seeds_draw_the_first_noise_and_then_other_noise(small_diffusion, stripes, styles):
    settings = {"sampler": "ddim", "steps": 3, "eta": 1.0, "seeds": [1, 2, 3]}
    noise = seeded_noise([1, 2, 3], (3, 16, 16))
    drawn = sample(small_diffusion, stripes, styles, **settings)
    assert torch.equal(sample(small_diffusion, stripes, styles, noise=noise, **settings), drawn)
    given = [
        step.latents
        for step in denoise(
            small_diffusion,
            stripes,
            styles,
            noise=noise,
            sampler="ddim",
            steps=3,
            eta=1.0,
            spacing="linspace",
            step_noise=noise.expand(3, *noise.shape),
        )
    ]
    assert not torch.allclose(given[-1], drawn, atol=1e-2)


def test_without_seeds_the_global_generator_draws(small_diffusion, stripes, styles):
    torch.manual_seed(3)
    first = sample(small_diffusion, stripes, styles, steps=2)
    second = sample(small_diffusion, stripes, styles, steps=2)
    torch.manual_seed(3)
    assert torch.equal(first, sample(small_diffusion, stripes, styles, steps=2))
    assert not torch.equal(first, second)


def test_no_style_is_that_of_a_blank_picture(small_diffusion, stripes):
    null = small_diffusion.null_styles(stripes)
    settings = {"seeds": [0, 1, 2], "steps": 3}
    assert torch.equal(
        sample(small_diffusion, stripes, **settings),
        sample(small_diffusion, stripes, null, **settings),
    )


def test_steps_are_reported(small_diffusion, stripes, styles):
    reported = []
    settings = {"noise": torch.ones(3, 3, 16, 16), "sampler": "ddim", "steps": 30, "skip": 27}
    last = sample(
        small_diffusion,
        stripes,
        styles,
        on_step=lambda done, total: reported.append((done, total)),
        **settings,
    )
    # 30 steps of the published code are 31
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]
    steps = list(denoise(small_diffusion, stripes, styles, **settings))
    assert [(step.done, step.total) for step in steps] == reported
    assert [step.timestep for step in steps] == [100, 67, 34, 1]
    assert torch.equal(steps[-1].latents, last)
    assert all(step.clean.shape == last.shape for step in steps)


@pytest.mark.parametrize("sampler", ["ddim", "plms", "dpm++"])
def test_a_start_that_is_hardly_noisy_stays_what_it_is(exact, mixture, schedule, sampler):
    clean = mixture.modes[:4].view(4, *mixture.shape).float()
    settings = {"sampler": sampler, "steps": 50, "spacing": "linspace"}
    labels, styles = torch.zeros(4, 1, 16, 16, dtype=torch.uint8), torch.zeros(4, 5, 4)
    timestep = build_sampler(sampler, schedule, 50, spacing="linspace").timesteps[40]
    noise = seeded_noise(range(4), mixture.shape)
    start = schedule.add_noise(clean, noise, torch.full((4,), timestep))
    found = sample(exact, labels, styles, noise=start, skip=40, **settings)
    away = torch.cdist(found.double().flatten(1), mixture.modes)
    assert away.argmin(1).tolist() == [0, 1, 2, 3]
    assert float(away.min(1).values.max()) < 2.4


def test_pictures_that_are_not_square(small_diffusion, styles):
    labels = torch.randint(19, (1, 1, 64, 128), dtype=torch.uint8)
    latents = sample(small_diffusion, labels, styles[:1], seeds=[0], steps=2)
    assert latents.shape == (1, 3, 16, 32)
    assert small_diffusion.decode(latents).shape == (1, 3, 64, 128)


def test_soft_label_maps(small_diffusion, stripes, styles):
    hard = torch.nn.functional.one_hot(stripes[:, 0].long(), 19).permute(0, 3, 1, 2).float()
    settings = {"seeds": [0, 1, 2], "steps": 2}
    torch.testing.assert_close(
        sample(small_diffusion, hard, styles, **settings),
        sample(small_diffusion, stripes, styles, **settings),
        rtol=1e-4,
        atol=1e-4,
    )
    soft = sample(small_diffusion, 0.5 * hard + 0.5 / 19, styles, **settings)
    assert torch.isfinite(soft).all()


@pytest.mark.parametrize("settings", SAMPLERS)
def test_what_is_kept_stays_and_the_rest_changes(small_diffusion, stripes, styles, settings):
    original = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    keep = torch.zeros(3, 1, 64, 64, dtype=torch.bool)
    keep[..., :30] = True
    found = sample(
        small_diffusion,
        stripes,
        styles,
        seeds=[0, 1, 2],
        keep_mask=keep,
        original=original,
        **settings,
    )
    # the latent pixels of columns 28 to 31 are only partly kept
    assert torch.equal(found[..., :7], original[..., :7])
    assert not torch.isclose(found[..., 7:], original[..., 7:]).any()


def test_what_is_kept_is_seen_by_the_rest(small_diffusion, stripes, styles):
    keep = torch.zeros(3, 1, 64, 64, dtype=torch.bool)
    keep[..., :32] = True
    bright, dark = (
        sample(
            small_diffusion,
            stripes,
            styles,
            seeds=[0, 1, 2],
            steps=3,
            keep_mask=keep,
            original=torch.full((3, 3, 16, 16), value),
        )
        for value in (2.0, -2.0)
    )
    assert not torch.allclose(bright[..., 8:], dark[..., 8:], atol=1e-2)


def test_an_inversion_keeps_its_own_way(small_diffusion, stripes, styles):
    original = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    inversion = invert(small_diffusion, original, stripes, styles, steps=5)
    keep = torch.zeros(3, 1, 64, 64, dtype=torch.bool)
    keep[..., :32] = True
    settings = {"noise": inversion.noise, "sampler": "ddim", "keep_mask": keep}
    steps = list(denoise(small_diffusion, stripes, styles, steps=5, original=inversion, **settings))
    for step, level in zip(steps, reversed(inversion.latents[:-1]), strict=True):
        assert torch.equal(step.latents[..., :8], level[..., :8])
    with pytest.raises(ConfigError, match="made with other timesteps"):
        sample(small_diffusion, stripes, styles, steps=4, original=inversion, **settings)
    short = invert(small_diffusion, original, stripes, styles, steps=5, up_to=2)
    with pytest.raises(ConfigError, match="has only 2 steps: skip the others"):
        sample(small_diffusion, stripes, styles, steps=5, original=short, **settings)
    later = {**settings, "noise": short.noise, "skip": 3}
    sample(small_diffusion, stripes, styles, steps=5, original=short, **later)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": [1]}, "1 seeds do not fit 3 images"),
        ({"skip": 20}, "skip=20 must be 0 or more"),
        ({"original": torch.zeros(3, 3, 16, 16)}, "keep_mask and original belong together"),
        ({"keep_mask": torch.ones(3, 1, 64, 64)}, "keep_mask and original belong together"),
        ({"sampler": "heun"}, "sampler='heun'"),
    ],
)
def test_settings_that_do_not_fit(small_diffusion, stripes, styles, settings, message):
    with pytest.raises(ConfigError, match=message):
        sample(small_diffusion, stripes, styles, **settings)
