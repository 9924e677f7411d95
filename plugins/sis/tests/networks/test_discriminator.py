from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator


@torch.no_grad()
def test_published_sides_and_widths():
    outputs = MultiscaleDiscriminator(22).eval()(torch.randn(1, 22, 256, 256))
    assert [[tuple(each.shape[1:3]) for each in scale] for scale in outputs] == [
        [(64, 129), (128, 65), (256, 33), (1, 34)],
        [(64, 65), (128, 33), (256, 17), (1, 18)],
    ]


def test_widths_end_at_512():
    discriminator = MultiscaleDiscriminator(3, ndf=64, num_layers=6, num_scales=1)
    widths = [stage.conv.out_channels for stage in discriminator.scales[0].stages]
    assert widths == [64, 128, 256, 512, 512, 512, 1]


@pytest.mark.parametrize("norm", ["spectralinstance", "spectral", "instance"])
def test_what_is_normalised(norm):
    stages = MultiscaleDiscriminator(3, 8, norm=norm).scales[0].stages
    names = [set(dict(stage.conv.named_parameters())) for stage in stages]
    spectral, instance = "spectral" in norm, "instance" in norm
    middle = {"weight_orig" if spectral else "weight"} | (set() if instance else {"bias"})
    assert names == [{"weight", "bias"}, middle, middle, {"weight", "bias"}]
    features = stages[1](torch.randn(2, 8, 16, 16))
    back = torch.where(features < 0, features / 0.2, features).mean(dim=(2, 3))
    assert (back.abs().max() < 1e-5) == instance


def test_a_weight_of_spectral_norm_one_is_what_power_iterations_end_in():
    torch.manual_seed(0)
    discriminator = MultiscaleDiscriminator(3, 8, norm="spectral", num_scales=1)
    pictures = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        for _ in range(200):
            discriminator(pictures)
    weight = discriminator.scales[0].stages[1].conv.weight.flatten(1)
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-3)


@torch.no_grad()
def test_estimates_of_the_norm_rest_outside_training():
    discriminator = MultiscaleDiscriminator(3, 8)
    pictures = torch.randn(1, 3, 32, 32)
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    first = discriminator.eval()(pictures)
    torch.testing.assert_close(discriminator(pictures), first, rtol=0, atol=0)
    assert all(torch.equal(before[key], each) for key, each in discriminator.state_dict().items())
    discriminator.train()(pictures)
    moved = {
        k for k, each in discriminator.state_dict().items() if not torch.equal(before[k], each)
    }
    assert {key.rpartition(".")[2] for key in moved} == {"weight_u", "weight_v"}


def test_two_judgements_share_a_step_in_half_precision():
    discriminator = MultiscaleDiscriminator(3, 8)
    with torch.autocast("cpu", torch.bfloat16):
        scores = [discriminator(torch.randn(1, 3, 32, 32))[0][-1].float().mean() for _ in range(2)]
    torch.stack(scores).sum().backward()
    for stage in discriminator.scales[0].stages:
        assert all(each.grad.isfinite().all() for each in stage.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_layers": 0}, "num_layers=0 and num_scales=2 must be at least 1"),
        ({"norm": "batch"}, "norm='batch' must be spectralinstance, spectral or instance"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        MultiscaleDiscriminator(3, **settings)
