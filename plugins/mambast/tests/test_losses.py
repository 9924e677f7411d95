from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.functional import mse_loss

from lightning_face_mambast.losses import StyleTransferLoss, content_terms, style_terms
from lightning_face_mambast.mambast import Triple
from lightning_face_mambast.vgg import random_vgg


@pytest.fixture
def loss() -> StyleTransferLoss:
    return StyleTransferLoss(random_vgg(4))


@pytest.fixture
def images() -> list[torch.Tensor]:
    return list(torch.rand(5, 2, 3, 32, 48, generator=torch.Generator().manual_seed(0)))


def test_all_terms_vanish_for_perfect_passes(loss, images):
    content = images[0]
    terms = loss(content, content, Triple(content, content, content)).sums()
    assert all(value.item() == 0 for value in terms.values())


def test_terms_equal_their_definition(loss, images):
    content, style, *outputs = images
    terms = loss(content, style, Triple(*outputs))
    vgg = [loss.vgg(image) for image in images]

    def normalised(x):
        deviation = (x.var(dim=(2, 3), keepdim=True) + 1e-5).sqrt()
        return (x - x.mean(dim=(2, 3), keepdim=True)) / deviation

    for term, layer in zip(terms.content, (4, 3), strict=True):
        expected = mse_loss(normalised(vgg[2][layer]), normalised(vgg[0][layer]))
        torch.testing.assert_close(term, expected, rtol=1e-4, atol=1e-6)
    for layer, term in enumerate(terms.style):
        a, b = vgg[2][layer], vgg[1][layer]
        expected = mse_loss(a.mean((2, 3)), b.mean((2, 3))) + mse_loss(
            (a.var((2, 3)) + 1e-5).sqrt(), (b.var((2, 3)) + 1e-5).sqrt()
        )
        torch.testing.assert_close(term, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        terms.sums()["identity1"], mse_loss(outputs[1], content) + mse_loss(outputs[2], style)
    )
    expected = sum(
        mse_loss(vgg[3][i], vgg[0][i]) + mse_loss(vgg[4][i], vgg[1][i]) for i in range(5)
    )
    torch.testing.assert_close(terms.sums()["identity2"], expected, rtol=1e-4, atol=1e-6)


def test_style_ignores_places_and_content_ignores_colours(loss, images):
    features = loss.features(images[0])
    shuffled = [each.flatten(2)[..., torch.randperm(each[0, 0].numel())] for each in features]
    shuffled = [each.view_as(like) for each, like in zip(shuffled, features, strict=True)]
    assert style_terms(shuffled, features).sum().item() == pytest.approx(0, abs=1e-6)
    recoloured = [3 * each + 1 for each in features]
    assert content_terms(recoloured, features).sum().item() == pytest.approx(0, abs=1e-3)
    assert content_terms(shuffled, features).sum() > 0.1
    assert style_terms(recoloured, features).sum() > 0.1


def test_gradients_reach_the_outputs_only(loss, images):
    leaves = [image.clone().requires_grad_() for image in images]
    content, style, *outputs = leaves
    sum(loss(content, style, Triple(*outputs)).sums().values()).backward()
    assert all(each.grad.abs().sum() > 0 for each in outputs)
    assert all(each.grad is None for each in loss.vgg.parameters())


def test_statistics_are_float32_under_autocast(loss, images):
    content, style, *outputs = images
    expected = loss(content, style, Triple(*outputs)).sums()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = loss(content, style, Triple(*outputs)).sums()
    for name, value in actual.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected[name], rtol=0.1, atol=0.01)


def test_feature_network_follows_but_is_no_part_of_the_module(loss):
    assert list(loss.parameters()) == []
    assert loss.state_dict() == {}
    assert loss.vgg[0].weight.dtype == torch.float32
    copied = copy.deepcopy(loss).double()
    assert copied.vgg[0].weight.dtype == torch.float64
    assert loss.vgg[0].weight.dtype == torch.float32
