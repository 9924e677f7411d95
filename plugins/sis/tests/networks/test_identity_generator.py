from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator

CLASSES, IDENTITY = 5, 12


@pytest.fixture(scope="module")
def generator() -> IdentityInjectionGenerator:
    torch.manual_seed(0)
    network = IdentityInjectionGenerator(
        IDENTITY,
        num_classes=CLASSES,
        style_dim=8,
        grid=(4, 4),
        heads=(2,) * 5,
        head_dims=(16,) * 5,
    ).eval()
    # the blocks start as identities: tokens are seen only once this map is not zero
    for block in network.attention_blocks:
        torch.nn.init.normal_(block.proj_out.weight, 0, 0.1)
    return network


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def masks() -> Tensor:
    labels = torch.arange(64).div(13, rounding_mode="floor").expand(2, 64, 64)
    return torch.nn.functional.one_hot(labels, CLASSES).permute(0, 3, 1, 2).float()


@pytest.fixture
def identity() -> Tensor:
    return torch.randn(2, IDENTITY, generator=torch.Generator().manual_seed(2))


def test_the_token_stands_behind_those_of_the_classes(generator, images, masks, identity):
    styles = generator.encode_style(images, masks)
    tokens = generator.inject_identity(styles, identity)
    assert tokens.shape == (2, CLASSES + 1, styles.shape[2])
    assert torch.equal(tokens[:, :-1], styles)
    assert tokens[:, -1].abs().amax() < 1


def test_only_the_direction_of_an_embedding_counts(generator, images, masks, identity):
    styles = generator.encode_style(images, masks)
    tokens = generator.inject_identity(styles, identity)
    longer = generator.inject_identity(styles, 7 * identity)
    assert torch.allclose(tokens, longer, atol=1e-6)
    other = generator.inject_identity(styles, -identity)
    assert not torch.allclose(tokens[:, -1], other[:, -1], atol=1e-2)


def test_the_identity_changes_the_picture(generator, images, masks, identity):
    with torch.no_grad():
        own = generator(images, masks, identity=identity).images
        other = generator(images, masks, identity=identity.flip(0)).images
        none = generator(images, masks).images
    assert own.shape == (2, 3, 64, 64)
    assert (own - other).abs().amax() > 1e-3
    assert (own - none).abs().amax() > 1e-3


def test_without_an_identity_it_is_the_generator_it_builds_on(generator, images, masks):
    with torch.no_grad():
        styles, latents = generator.encode_style(images, masks), generator.embed_mask(masks)
        expected = generator.decode(latents, styles).images
        assert torch.equal(generator(images, masks).images, expected)


def test_the_attention_loss_leaves_the_token_out(generator, images, masks, identity):
    attention = generator.attention_blocks[0]
    features = generator.res_blocks[0](generator.input_conv(generator.embed_mask(masks)))
    styles = generator.encode_style(images, masks)
    plain = attention(features, styles, masks).attention_loss
    tokens = generator.inject_identity(styles, identity)
    assert torch.allclose(attention(features, tokens, masks).attention_loss, plain)
    whole = generator(images, masks, identity=identity, with_attention_loss=True)
    assert whole.attention_loss.ndim == 0


def test_no_gradient_reaches_the_embedding(generator, images, masks, identity):
    generator.train()
    identity.requires_grad_()
    generator(images, masks, identity=identity).images.sum().backward()
    generator.eval()
    assert identity.grad is None
    assert generator.identity_projection[0].weight.grad.abs().sum() > 0
    generator.zero_grad()


def test_shapes_and_identity_are_independent(generator, images, masks, identity):
    turned = masks.flip(2)
    with torch.no_grad():
        picture = generator(images, masks, turned, identity=identity).images
        tokens = generator.inject_identity(generator.encode_style(images, masks), identity)
        expected = generator.decode(generator.embed_mask(turned), tokens).images
    assert torch.equal(picture, expected)
