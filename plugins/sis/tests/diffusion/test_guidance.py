from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.guidance import GuidedPredictor


@pytest.fixture(scope="module")
def latents(small_diffusion):
    return torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def plain(network, labels, styles, latents, timestep):
    times = torch.full((len(latents),), timestep)
    return network.predict_noise(latents, times, network.prepare(styles, labels))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["null_style", "zeros"])
@pytest.mark.parametrize("scale", [0.0, 1.5, 4.0])
def test_guidance_leads_away_from_the_unconditional(
    small_diffusion, stripes, styles, latents, kind, scale
):
    found = GuidedPredictor(small_diffusion, stripes, styles, scale, kind)(latents, 400)
    with_style = plain(small_diffusion, stripes, styles, latents, 400)
    if kind == "zeros":
        empty = torch.zeros(3, small_diffusion.num_classes, 64, 64)
        without = plain(small_diffusion, empty, torch.zeros_like(styles), latents, 400)
    else:
        null = small_diffusion.null_styles(stripes)
        without = plain(small_diffusion, stripes, null, latents, 400)
    assert not torch.allclose(with_style, without, atol=1e-2)
    wanted = without + scale * (with_style - without)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_without_guidance_the_network_is_asked_once(
    small_diffusion, stripes, styles, latents, monkeypatch
):
    asked = []
    forward = small_diffusion.unet.forward

    def count(given, *arguments, **settings):
        asked.append(len(given))
        return forward(given, *arguments, **settings)

    monkeypatch.setattr(small_diffusion.unet, "forward", count)
    predict = GuidedPredictor(small_diffusion, stripes, styles, 1.0)
    found = predict(latents, 400)
    guided = GuidedPredictor(small_diffusion, stripes, styles, 2.0, interval=(100, 600))
    for timestep in (99, 100, 600, 601):
        guided(latents, timestep)
    assert asked == [3, 3, 6, 6, 3]
    torch.testing.assert_close(found, plain(small_diffusion, stripes, styles, latents, 400))


def test_settings_that_do_not_fit(small_diffusion, stripes, styles):
    with pytest.raises(ConfigError, match="unconditional='nothing'"):
        GuidedPredictor(small_diffusion, stripes, styles, 2.0, "nothing")
    with pytest.raises(ConfigError, match=r"guidance_interval=\(5, 1\)"):
        GuidedPredictor(small_diffusion, stripes, styles, 2.0, interval=(5, 1))
