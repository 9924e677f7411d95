from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lightning_face.errors import WeightsError
from lightning_face.metrics.fid_inception import FID_WEIGHTS, FIDInception, load_fid_inception
from lightning_face.networks import InceptionV3

SIZES = ((64, 64), (256, 256), (299, 299), (350, 500))


def seen(images: torch.Tensor, resizing: str) -> torch.Tensor:
    """What the network is given for pictures, as levels 0 to 255."""
    network: nn.Module = nn.Identity()
    return FIDInception(network, resizing)(images) * 128 + 128


@pytest.mark.parametrize("size", SIZES)
def test_legacy_takes_corners_for_places_and_does_not_filter(size):
    images = torch.rand(1, 3, *size)
    resized = seen(images, "legacy")
    assert resized.shape == (1, 3, 299, 299)
    pixels = 255 * images[0, 1].double()
    for row, column in ((0, 0), (3, 290), (150, 149), (298, 298)):
        y, x = row * size[0] / 299, column * size[1] / 299
        top, left = int(y), int(x)
        bottom, right = min(top + 1, size[0] - 1), min(left + 1, size[1] - 1)
        upper = pixels[top, left] * (1 - x + left) + pixels[top, right] * (x - left)
        lower = pixels[bottom, left] * (1 - x + left) + pixels[bottom, right] * (x - left)
        expected = upper * (1 - y + top) + lower * (y - top)
        assert float(resized[0, 1, row, column]) == pytest.approx(float(expected), abs=0.01)


@pytest.mark.parametrize("size", SIZES)
def test_clean_is_the_bicubic_resizing_of_pillow(size):
    pixels = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    plane = Image.fromarray(pixels.astype(np.float32))
    expected = np.asarray(plane.resize((299, 299), Image.Resampling.BICUBIC)).clip(0, 255)
    images = (torch.from_numpy(pixels) / 255).expand(1, 3, -1, -1)
    np.testing.assert_allclose(seen(images, "clean")[0, 2].numpy(), expected, atol=0.02)


def test_pictures_of_299_pixels_are_not_resized():
    images = torch.rand(1, 3, 299, 299)
    for resizing in ("legacy", "clean"):
        assert torch.allclose(seen(images, resizing), 255 * images, atol=1e-3)


def test_unknown_resizing_is_refused():
    with pytest.raises(ValueError, match="legacy or clean"):
        FIDInception(nn.Identity(), "nearest")


@pytest.mark.parametrize("name", [FID_WEIGHTS.name, FID_WEIGHTS.published_name])
def test_published_file_is_read_under_both_names(tmp_path, name):
    torch.manual_seed(0)
    network = InceptionV3("tensorflow")
    torch.save({**network.state_dict(), "fc.bias": torch.zeros(1008)}, tmp_path / name)
    image = torch.rand(1, 3, 80, 80)
    assert torch.equal(load_fid_inception(tmp_path)(image), network(image))


def test_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(WeightsError) as caught:
        load_fid_inception(tmp_path)
    assert FID_WEIGHTS.url in str(caught.value)
    assert str(tmp_path / FID_WEIGHTS.name) in str(caught.value)
