from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.losses.denoising import (
    DenoisingLoss,
    discard_styles,
    semantic_attention_loss,
)

TIMES = torch.tensor([3, 700])


@pytest.fixture(scope="module")
def batch():
    draw = torch.Generator().manual_seed(0)
    # not square, where the published code fails
    latents, noise = torch.randn(2, 2, 3, 16, 32, generator=draw)
    styles = 2 * torch.rand(2, 19, 20, generator=draw) - 1
    labels = torch.randint(19, (2, 1, 64, 128), generator=draw).to(torch.uint8)
    return latents, styles, labels, TIMES, noise


@torch.no_grad()
@pytest.mark.parametrize("parameterization", ["eps", "x0"])
@pytest.mark.parametrize("loss_type", ["l2", "l1"])
def test_terms_of_the_distance(small_diffusion, batch, parameterization, loss_type):
    network = copy.copy(small_diffusion)
    network.parameterization = parameterization
    latents, styles, labels, times, noise = batch
    loss = DenoisingLoss(loss_type, simple_weight=0.5, vlb_weight=0.25)
    terms = loss(network, *batch)
    noisy = network.schedule.add_noise(latents, noise, times)
    away = network.unet(noisy, times, styles, labels) - (
        noise if parameterization == "eps" else latents
    )
    by_image = (away.abs() if loss_type == "l1" else away**2).flatten(1).mean(1)
    weights = network.schedule.lvlb_weights(parameterization)[times]
    torch.testing.assert_close(terms.per_image, by_image)
    torch.testing.assert_close(terms.simple, by_image.mean())
    torch.testing.assert_close(terms.vlb, (weights * by_image).mean())
    torch.testing.assert_close(terms.total, 0.5 * terms.simple + 0.25 * terms.vlb)
    assert terms.attention is None


@torch.no_grad()
def test_a_perfect_network_has_no_loss(small_diffusion, batch, monkeypatch):
    latents = batch[0]
    monkeypatch.setattr(small_diffusion.unet, "forward", lambda *_, **__: latents)
    assert float(DenoisingLoss()(small_diffusion, *batch).total) == 0


@torch.no_grad()
@pytest.mark.parametrize("kind", ["bce", "l2"])
def test_attention_is_compared_with_the_label_map(small_diffusion, batch, kind):
    labels = batch[2]
    loss = DenoisingLoss(attention_weight=0.01, attention_loss_type=kind)
    terms = loss(small_diffusion, *batch)
    _, logits = small_diffusion.unet(
        small_diffusion.schedule.add_noise(batch[0], batch[4], TIMES),
        *(TIMES, batch[1], labels),
        with_logits=True,
    )
    assert len(logits) == 4
    wanted = 0.0
    for layer, (height, width) in logits:
        assert width == 2 * height
        found = layer.mean(1).permute(0, 2, 1).reshape(2, 19, height, width)
        masks = F.interpolate(one_hot_masks(labels, 19), size=(height, width))
        if kind == "bce":
            wanted += float(F.binary_cross_entropy_with_logits(found, masks))
        else:
            wanted += float((found - masks).square().mean())
    assert float(terms.attention) == pytest.approx(wanted, rel=1e-5)
    torch.testing.assert_close(terms.total, terms.simple + 0.01 * terms.attention)


@pytest.mark.parametrize("kind", ["bce", "l2"])
def test_attention_to_the_own_class_alone_is_best(kind):
    labels = torch.randint(4, (1, 1, 8, 8))
    masks = one_hot_masks(labels, 4).flatten(2).transpose(1, 2).unsqueeze(1)
    right = masks if kind == "l2" else 40 * masks - 20
    losses = [
        float(semantic_attention_loss([(each, (8, 8))], labels, 4, kind))
        for each in (right, right.roll(1, 3), torch.zeros_like(right))
    ]
    assert losses[0] < 1e-6
    assert losses[0] < losses[2] < losses[1]


def test_gradients_reach_what_is_trained(small_diffusion, batch):
    network = copy.deepcopy(small_diffusion).requires_grad_(True)
    network.first_stage.requires_grad_(False)
    images = torch.rand(2, 3, 64, 128) * 2 - 1
    styles = network.encode_style(images, batch[2])
    loss = DenoisingLoss()
    loss(network, batch[0], styles, batch[2], TIMES, batch[4]).total.backward()
    dead = set(network.unet.dead_parameters())
    for name, each in network.unet.named_parameters():
        reached = each.grad is not None and bool(each.grad.any())
        assert reached is (name not in dead), name
    assert network.style_encoder.stem.conv.weight.grad.any()
    assert all(each.grad is None for each in network.first_stage.parameters())


def test_discarded_pictures_become_blank():
    images = torch.rand(3, 3, 4, 4)
    found = discard_styles(images, torch.tensor([1, 0, 1], dtype=torch.uint8))
    assert not found[0].any()
    assert not found[2].any()
    assert torch.equal(found[1], images[1])
    assert images[0].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss_type": "huber"}, "loss_type='huber'"),
        ({"attention_loss_type": "focal"}, "attention_loss_type='focal'"),
        ({"vlb_weight": -1}, "must be 0 or more"),
    ],
)
def test_settings_that_do_not_fit(settings, message):
    with pytest.raises(ConfigError, match=message):
        DenoisingLoss(**settings)
