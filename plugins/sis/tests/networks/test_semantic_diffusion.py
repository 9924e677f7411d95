from __future__ import annotations

import copy

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion


@pytest.fixture(scope="module")
def faces():
    draw = torch.Generator().manual_seed(0)
    images = 2 * torch.rand(2, 3, 64, 128, generator=draw) - 1
    labels = torch.randint(19, (2, 1, 64, 128), generator=draw).to(torch.uint8)
    return images, labels


@pytest.fixture
def changed(small_diffusion):
    """A copy with other settings, which shares no weights with the one of all tests."""

    def make(**settings):
        network = copy.deepcopy(small_diffusion)
        for name, value in settings.items():
            setattr(network, name, value)
        return network

    return make


@torch.no_grad()
def test_styles_are_those_of_masks_of_full_size(small_diffusion, faces):
    images, labels = faces
    wanted = small_diffusion.style_encoder(images, one_hot_masks(labels, 19))
    found = small_diffusion.encode_style(images, labels)
    assert torch.equal(found, wanted)
    soft = small_diffusion.encode_style(images, one_hot_masks(labels, 19))
    assert torch.equal(soft, wanted)


@torch.no_grad()
def test_null_styles_are_those_of_a_blank_picture(small_diffusion, faces):
    images, labels = faces
    found = small_diffusion.null_styles(labels)
    assert torch.equal(found, small_diffusion.encode_style(torch.zeros_like(images), labels))
    assert not torch.allclose(found, small_diffusion.encode_style(images, labels))


@torch.no_grad()
def test_the_noise_is_told_whatever_the_unet_predicts(changed, faces):
    images, labels = faces
    clean, eps = changed(parameterization="x0"), changed(parameterization="eps")
    latents, times = torch.randn(2, 3, 16, 32), torch.tensor([10, 900])
    styles = clean.encode_style(images, labels)
    predicted = clean.unet(latents, times, styles, labels)
    noise = clean.predict_noise(latents, times, clean.prepare(styles, labels))
    torch.testing.assert_close(
        clean.schedule.add_noise(predicted, noise, times), latents, rtol=1e-3, atol=1e-3
    )
    found = eps.predict_noise(latents, times, eps.prepare(styles, labels))
    torch.testing.assert_close(found, predicted)


@torch.no_grad()
def test_latents_are_scaled(changed, small_diffusion, faces):
    images, _ = faces
    scaled = changed(scale_factor=4.0)
    latents = small_diffusion.encode(images)
    assert latents.shape == (2, *small_diffusion.latent_shape(images)) == (2, 3, 16, 32)
    assert torch.equal(scaled.encode(images), 4 * latents)
    for quantize in (True, False):
        wanted = small_diffusion.decode(latents, quantize=quantize)
        assert wanted.shape == images.shape
        torch.testing.assert_close(scaled.decode(4 * latents, quantize=quantize), wanted)
    codes = small_diffusion.quantize(latents)
    torch.testing.assert_close(scaled.quantize(4 * latents), 4 * codes)
    torch.testing.assert_close(
        small_diffusion.decode(codes, quantize=False), small_diffusion.decode(latents)
    )


@torch.no_grad()
def test_lower_precision_changes_the_prediction_little(changed, faces):
    images, labels = faces
    network = changed()
    latents, times = torch.randn(2, 3, 16, 32), torch.tensor([300, 900])

    def predict():
        styles = network.encode_style(images, labels)
        return network.predict_noise(latents, times, network.prepare(styles, labels))

    wanted = predict()
    network.to(torch.bfloat16)
    found = predict()
    assert found.dtype == torch.float32
    assert network.schedule.alphas_cumprod.dtype == torch.float32
    assert float((found - wanted).norm() / wanted.norm()) < 0.05


def test_published_sizes():
    with torch.device("meta"):
        network = SemanticDiffusion.from_config({})
    assert network.num_classes == 19
    assert network.image_multiple == 64
    assert network.latent_shape(torch.empty(1, 1, 256, 512)) == (3, 64, 128)
    assert sum(each.numel() for each in network.parameters()) == (
        486_912_387 + 55_322_782 + 18_069_304
    )


def test_the_number_of_classes_is_told_once():
    with torch.device("meta"):
        network = SemanticDiffusion.from_config({"unet": {"num_classes": 34}})
    assert network.style_encoder.num_classes == network.num_classes == 34


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"optimizer": {}}, "unknown settings of the diffusion model: optimizer"),
        ({"unet": {"depth": 3}}, "settings of unet: .*depth"),
        ({"parameterization": "v"}, "parameterization='v' must be eps or x0"),
        ({"unet": {"context_dim": 640}}, "takes 19 styles of 640 numbers, .* gives 19 of 1280"),
        ({"style_encoder": {"num_classes": 5}}, "takes 19 styles of 1280 .* gives 5 of 1280"),
    ],
)
def test_settings_that_do_not_fit(config, message):
    with torch.device("meta"), pytest.raises(ConfigError, match=message):
        SemanticDiffusion.from_config(config)
