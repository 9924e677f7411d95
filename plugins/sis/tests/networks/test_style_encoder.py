from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder, double, pool_classes

CLASSES, STYLE = 4, 3


@pytest.fixture
def encode(drawn):
    def run(skip_layout, change=None):
        encoder = drawn(GroupedStyleEncoder(CLASSES, STYLE, skip_layout=skip_layout))
        if change is not None:
            # the slice of one class, behind the layer that all classes share
            parameter = encoder.down_layers[1].conv.weight.data.unflatten(0, (CLASSES, -1))
            parameter[change] *= -2
        images = torch.randn(2, 3, 64, 128, generator=torch.Generator().manual_seed(2))
        masks = torch.zeros(2, CLASSES, 64, 128)
        masks[:, 0, :30], masks[:, 1, 30:], masks[:, 3, :, :40] = 1, 1, 1
        with torch.no_grad():
            return encoder, encoder(images, masks)

    return run


@pytest.mark.parametrize("skip_layout", ["reference", "per_class"])
def test_a_class_without_pixels_has_the_code_of_its_biases(encode, skip_layout):
    encoder, codes = encode(skip_layout)
    assert codes.shape == (2, CLASSES, 5 * STYLE)
    biases = [layer.bias.view(CLASSES, STYLE)[2] for layer in encoder.code_layers]
    for code in codes[:, 2]:
        torch.testing.assert_close(code, torch.tanh(torch.cat(biases)))


def test_classes_are_kept_apart_per_class_only(encode):
    differences = {}
    for layout in ("per_class", "reference"):
        before, after = encode(layout)[1], encode(layout, change=0)[1]
        # coarse codes first; the first one is made before any skip connection is joined
        differences[layout] = (before - after).abs().amax(dim=(0, 2))
    assert differences["per_class"][0] > 0.01
    assert differences["per_class"][1:].max() == 0
    assert differences["reference"][1] > 0.001


def test_codes_do_not_look_beyond_the_mask(drawn):
    encoder = drawn(GroupedStyleEncoder(2, STYLE, num_downsamplings=2, num_upsamplings=1))
    masks = torch.zeros(1, 2, 64, 64)
    masks[:, 0, :, :16] = 1
    images = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        before = encoder(images, masks)
        masks[:, 0, :, 16:] = 0
        masks[:, 1, :, 48:] = 1
        after = encoder(images, masks)
    torch.testing.assert_close(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1], after[:, 1])


def test_masks_of_any_size_will_do(encode, drawn, random_masks):
    encoder = drawn(GroupedStyleEncoder(CLASSES, STYLE))
    images, masks = torch.randn(1, 3, 128, 128), random_masks(1, CLASSES)
    larger = F.interpolate(masks, size=(128, 128), mode="nearest")
    with torch.no_grad():
        torch.testing.assert_close(encoder(images, masks), encoder(images, larger))


@pytest.mark.parametrize("shape", [(2, 6, 4, 4), (1, 3, 32, 16), (1, 2, 33, 7), (1, 2, 64, 40)])
def test_doubling_is_bilinear(shape):
    features = torch.randn(shape)
    wanted = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(double(features), wanted)


def test_pooling_is_the_mean_over_the_pixels_of_a_class(random_masks):
    features, masks = torch.randn(2, 12, 16, 16), random_masks(2, 4)
    small = F.interpolate(masks, size=(16, 16), mode="nearest")
    small[1, 3] = 0
    pooled = pool_classes(features, small)
    for sample in range(2):
        for number in range(4):
            inside = features[sample, 3 * number : 3 * number + 3][:, small[sample, number] > 0]
            wanted = inside.mean(dim=1) if inside.numel() else torch.zeros(3)
            torch.testing.assert_close(pooled[sample, number], wanted, rtol=1e-4, atol=1e-6)


def test_published_size():
    assert sum(each.numel() for each in GroupedStyleEncoder(19).parameters()) == 18_069_304


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_upsamplings": 7}, "num_upsamplings=7 must lie between 1 and num_downsamplings=6"),
        ({"skip_layout": "mixed"}, "skip_layout='mixed' must be reference or per_class"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        GroupedStyleEncoder(3, 4, **settings)


def test_pictures_of_odd_sides_are_refused():
    with pytest.raises(ConfigError, match=r"64x96 .* must be multiples of 64"):
        GroupedStyleEncoder(3, 4)(torch.zeros(1, 3, 64, 96), torch.zeros(1, 3, 64, 96))
