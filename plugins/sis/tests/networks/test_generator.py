from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.generator import CA2SISGenerator

SMALL = {"style_dim": 8, "grid": (4, 4), "mask_size": 16}
SMALL |= {"heads": (2,) * 5, "head_dims": (32, 32, 32, 64, 64)}


@pytest.fixture
def make(drawn):
    def build(num_classes=4, **settings):
        torch.manual_seed(0)
        return drawn(CA2SISGenerator(num_classes, **SMALL | settings))

    return build


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(4)).clamp(-1, 1)


@pytest.mark.parametrize(
    ("classes", "exclude_background", "parameters"),
    [(19, True, 77_229_243), (35, False, 115_567_931), (151, False, 393_519_707)],
)
def test_published_sizes(classes, exclude_background, parameters):
    with torch.device("meta"):
        generator = CA2SISGenerator(classes, exclude_background, noise_dim=16)
    assert sum(each.numel() for each in generator.parameters()) == parameters


@pytest.mark.parametrize("settings", [{}, {"exclude_background": False, "grid": (4, 8)}], ids=str)
@torch.no_grad()
def test_pictures_are_sixteen_times_the_grid(make, images, random_masks, settings):
    generator = make(**settings)
    height, width = generator.grid
    output = generator(images, random_masks(2, 4), random_masks(2, 4, 40, 24))
    assert output.images.shape == (2, 3, 16 * height, 16 * width)
    assert output.images.abs().max() <= 1
    assert output.attention_loss is None


@torch.no_grad()
def test_parts_make_the_whole(make, images, random_masks):
    generator, masks = make(), random_masks(2, 4)
    target = masks.flip(3)
    styles, latents = generator.encode_style(images, masks), generator.embed_mask(target)
    assert styles.shape == (2, 4, 40)
    assert latents.shape == (2, 3, 4, 4)
    whole = generator(images, masks, target, with_attention_loss=True)
    parts = generator.decode(latents, styles, masks)
    torch.testing.assert_close(parts.images, whole.images)
    torch.testing.assert_close(parts.attention_loss, whole.attention_loss)
    own = generator(images, masks)
    torch.testing.assert_close(own.images, generator(images, masks, masks).images)
    assert not torch.allclose(own.images, whole.images, atol=0.01)


def test_inference_computes_what_training_does(make, images, random_masks):
    generator, masks = make(), random_masks(2, 4)
    plain = generator(images, masks, with_attention_loss=True)
    with torch.no_grad():
        torch.testing.assert_close(generator(images, masks).images, plain.images, atol=1e-4, rtol=0)
    with torch.inference_mode():
        torch.testing.assert_close(generator(images, masks).images, plain.images, atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_token_beyond_the_classes_acts_without_a_mask(make, images, random_masks):
    generator, masks = make(), random_masks(2, 4)
    styles, latents = generator.encode_style(images, masks), generator.embed_mask(masks)
    one, other = torch.randn(2, 2, 1, 40)
    outputs = [
        generator.decode(latents, torch.cat([styles, token], dim=1), masks)
        for token in (one, other)
    ]
    assert not torch.allclose(outputs[0].images, outputs[1].images, atol=0.01)
    assert outputs[0].attention_loss.isfinite()
    fast = generator.decode(latents, torch.cat([styles, one], dim=1))
    torch.testing.assert_close(fast.images, outputs[0].images, atol=1e-4, rtol=0)


def test_checkpointing_changes_no_gradient(make, images, random_masks):
    gradients = []
    for checkpointing in (False, True):
        generator = make(checkpointing=checkpointing)
        images_, loss = generator(images, random_masks(2, 4), with_attention_loss=True)
        (images_.square().mean() + loss).backward()
        gradients.append([each.grad for each in generator.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])
    assert all(each.abs().sum() > 0 for each in gradients[0])


@torch.no_grad()
def test_noise_gives_styles_to_the_classes_that_are_there(make, random_masks):
    generator = make(noise_dim=6)
    masks = random_masks(2, 4)
    masks[1, 2] = 0
    noise = torch.randn(2, 6)
    styles = generator.encode_noise(noise, masks)
    assert styles.shape == (2, 4, 40)
    assert [not row.any() for row in styles[1]] == [False, False, True, False]
    output = generator.forward_noise(noise, masks, with_attention_loss=True)
    wanted = generator.decode(generator.embed_mask(masks), styles, masks)
    torch.testing.assert_close(output.images, wanted.images)
    other = generator.forward_noise(-noise, masks).images
    assert not torch.allclose(output.images, other, atol=0.01)


def test_noise_encoder_is_built_on_demand(make, random_masks):
    with pytest.raises(ConfigError, match="set noise_dim"):
        make().forward_noise(torch.randn(1, 16), random_masks(1, 4))


def test_output_without_tanh_is_not_confined(make, images, random_masks):
    with torch.no_grad():
        free = make(tanh_output=False)(images, random_masks(2, 4)).images
        confined = make()(images, random_masks(2, 4)).images
    torch.testing.assert_close(free.tanh(), confined)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ngf": 48}, "ngf=48 must be a multiple of 32"),
        ({"heads": (8, 8)}, r"heads=\(8, 8\) and head_dims=.* must have 5 numbers"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        CA2SISGenerator(**settings)
