from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from lightning_face_mambast.metrics import ColorDistance, color_histogram, hellinger_distance

KERNELS = ("inverse-quadratic", "RBF", "thresholding")


def by_pixel(image: np.ndarray, bins: int, kernel: str, weighted: bool) -> np.ndarray:
    """The definition, one pixel after the other."""
    centres = np.linspace(-3, 3, bins)
    shares = {
        "inverse-quadratic": lambda d: 1 / (1 + (d / 0.02) ** 2),
        "RBF": lambda d: np.exp(-((d / 0.02) ** 2)),
        "thresholding": lambda d: (np.abs(d) <= 3 / bins).astype(float),
    }
    histogram = np.zeros((3, bins, bins))
    for pixel in image.reshape(3, -1).T.astype(np.float64):
        weight = np.sqrt((pixel**2).sum() + 1e-6) if weighted else 1.0
        logs = np.log(pixel + 1e-6)
        for channel, (a, b) in enumerate(((1, 2), (0, 2), (0, 1))):
            u = shares[kernel](logs[channel] - logs[a] - centres)
            v = shares[kernel](logs[channel] - logs[b] - centres)
            histogram[channel] += weight * np.outer(u, v)
    return histogram / (histogram.sum() + 1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("bins", [16, 64])
def test_equals_the_definition(kernel, weighted, bins):
    image = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05
    expected = by_pixel(image[0].numpy(), bins, kernel, weighted)
    histogram = color_histogram(image, bins, kernel=kernel, intensity_scale=weighted)
    np.testing.assert_allclose(histogram[0].numpy(), expected, rtol=2e-3, atol=1e-7)


def test_every_picture_sums_to_one_and_is_independent_of_the_batch():
    images = torch.rand(3, 3, 12, 10)
    histograms = color_histogram(images)
    torch.testing.assert_close(histograms.sum(dim=(1, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(histograms[1:2], color_histogram(images[1:2]))


def test_does_not_depend_on_where_the_pixels_are():
    image = torch.rand(1, 3, 12, 10)
    torch.testing.assert_close(color_histogram(image), color_histogram(image.flip(3)))


@pytest.mark.parametrize("size", [(40, 20), (20, 33)])
def test_only_larger_pictures_are_resized_to_a_square(size):
    image = torch.rand(1, 3, *size)
    resized = functional.interpolate(image, (32, 32), mode="bilinear", align_corners=False)
    torch.testing.assert_close(
        color_histogram(image, largest_side=32), color_histogram(resized, largest_side=32)
    )
    unchanged = color_histogram(image, largest_side=40)
    torch.testing.assert_close(unchanged, color_histogram(image, largest_side=400))
    assert not torch.allclose(unchanged, color_histogram(image, largest_side=32), atol=1e-8)


def test_values_outside_of_the_range_are_clamped():
    image = torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(color_histogram(image), color_histogram(image.clamp(0, 1)))


def test_unknown_kernel_is_refused():
    with pytest.raises(ValueError, match="inverse-quadratic, RBF or thresholding"):
        color_histogram(torch.rand(1, 3, 4, 4), kernel="box")


def test_distance_goes_from_zero_to_one():
    a, b = torch.zeros(2, 1, 2, 3, 3)
    a[0, 0, 0, 0] = b[0, 1, 2, 2] = 1
    assert float(hellinger_distance(a, a)) == 0
    assert float(hellinger_distance(a, b)) == pytest.approx(1)


def test_colors_matter_and_brightness_does_not_much():
    image = torch.rand(1, 3, 32, 32) * 0.8 + 0.1
    tinted = image * torch.tensor([1.0, 0.5, 0.7]).view(1, 3, 1, 1)
    distances = [
        float(hellinger_distance(color_histogram(image), color_histogram(other)))
        for other in (image, 0.7 * image, tinted)
    ]
    assert distances[0] == 0
    assert distances[1] < 0.01 < 0.1 < distances[2]


def test_metric_is_the_mean_over_pairs():
    images, style = torch.rand(3, 3, 10, 10), torch.rand(1, 3, 14, 9)
    metric = ColorDistance()
    metric.update(images[:1], style, ["same"])
    metric.update(images[1:], style.expand(2, -1, -1, -1), ["same"] * 2)
    expected = hellinger_distance(
        color_histogram(images), color_histogram(style).expand(3, -1, -1, -1)
    ).mean()
    assert float(metric.compute()) == pytest.approx(float(expected), rel=1e-5)
