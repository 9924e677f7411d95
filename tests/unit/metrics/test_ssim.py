from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter

from lightning_face.metrics import SSIM, ssim


def pictures(count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    first, noise = torch.rand(2, count, 3, 24, 31, generator=generator)
    return first, (first + 0.3 * (noise - 0.5)).clamp(0, 1)


def by_scipy(x: torch.Tensor, y: torch.Tensor, data_range: float) -> float:
    """The formula of the paper on one channel, with the border cut off afterwards."""

    def blurred(plane: torch.Tensor) -> torch.Tensor:
        smooth = gaussian_filter(plane.double().numpy(), sigma=1.5, radius=5)
        return torch.from_numpy(smooth)[5:-5, 5:-5]

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x = blurred(x.double() ** 2) - mean_x**2
    variance_y = blurred(y.double() ** 2) - mean_y**2
    covariance = blurred(x.double() * y.double()) - mean_x * mean_y
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    bottom = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return float((top / bottom).mean())


@pytest.mark.parametrize(
    ("scale", "shift", "data_range"),
    [(1, 0, 1), (2, -1, 2), (255, 0, 255), (256, -1, 256)],
    ids=["0..1", "-1..1", "0..255", "-1..255"],
)
def test_equals_the_formula_and_the_range_is_told_from_the_values(scale, shift, data_range):
    x, y = (scale * each + shift for each in pictures())
    values = ssim(x, y, data_range)
    assert torch.equal(ssim(x, y, None), values)
    for index, value in enumerate(values.tolist()):
        channels = [by_scipy(x[index, c], y[index, c], data_range) for c in range(3)]
        assert value == pytest.approx(sum(channels) / 3, abs=1e-5)


def test_range_is_told_from_the_first_picture_alone():
    x, y = pictures()
    assert torch.equal(ssim(x, y * 255, None), ssim(x, y * 255, 1.0))


def test_is_1_for_equal_pictures_and_falls_with_noise():
    x, y = pictures()
    assert torch.allclose(ssim(x, x), torch.ones(3))
    assert torch.allclose(ssim(x, y), ssim(y, x))
    assert (ssim(x, (x + y) / 2) > ssim(x, y)).all()
    assert (ssim(x, 1 - x) < 0).all()


def test_shift_of_brightness_costs_less_than_lost_contrast():
    x, _ = pictures()
    x = 0.25 + 0.5 * x
    assert (ssim(x, x + 0.1) > ssim(x, x.mean() + 0.2 * (x - x.mean()))).all()


@pytest.mark.parametrize(
    "shapes",
    [((1, 3, 10, 20), (1, 3, 10, 20)), ((1, 3, 20, 20), (1, 1, 20, 20)), ((20, 20), (20, 20))],
    ids=["too small", "unequal", "no batch"],
)
def test_refuses_what_has_no_window(shapes):
    with pytest.raises(ValueError, match="sides of 11 pixels or more"):
        ssim(*(torch.zeros(shape) for shape in shapes))


def test_metric_is_the_mean_over_pictures_not_over_batches():
    x, y = pictures()
    metric = SSIM()
    metric.update(x[:2], y[:2])
    metric.update(x[2:], y[2:])
    assert torch.allclose(metric.compute(), ssim(x, y).mean())
    metric.reset()
    metric.update(x, x)
    assert float(metric.compute()) == pytest.approx(1)
