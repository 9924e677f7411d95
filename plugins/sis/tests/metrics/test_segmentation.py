from __future__ import annotations

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_sis.metrics import (
    SegmentationQuality,
    class_iou,
    mean_iou,
    pixel_accuracy,
)

IGNORED = 255


def maps(count: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Found and wanted labels of classes 0 to 3 out of 5; some wanted pixels do not count."""
    generator = torch.Generator().manual_seed(0)
    found, wanted = torch.randint(0, 4, (2, count, 1, 12, 10), generator=generator)
    wanted[:, :, :2] = IGNORED
    return found, wanted


def by_hand(found: torch.Tensor, wanted: torch.Tensor) -> tuple[float, float]:
    counted = wanted != IGNORED
    found, wanted = found[counted], wanted[counted]
    shares = [
        float(((found == k) & (wanted == k)).sum() / ((found == k) | (wanted == k)).sum())
        for k in range(4)
    ]
    return sum(shares) / 4, float((found == wanted).float().mean())


def test_equals_counting_by_hand_and_leaves_out_the_absent_class():
    metric = SegmentationQuality(5, ignored_label=IGNORED)
    found, wanted = maps()
    for start in range(0, 5, 2):
        metric.update(found[start : start + 2].to(torch.uint8), wanted[start : start + 2])
    values = metric.compute()
    expected = by_hand(found, wanted)
    assert float(values["mIoU"]) == pytest.approx(expected[0])
    assert float(values["accuracy"]) == pytest.approx(expected[1])


def test_perfect_and_hopeless_layouts():
    _, wanted = maps()
    metric = SegmentationQuality(5, ignored_label=IGNORED)
    metric.update(wanted.where(wanted != IGNORED, 0), wanted)
    assert [float(each) for each in metric.compute().values()] == [1, 1]
    metric.reset()
    metric.update((wanted.where(wanted != IGNORED, 0) + 1) % 4, wanted)
    assert [float(each) for each in metric.compute().values()] == [0, 0]


def test_rows_are_wanted_and_columns_found():
    confusion = torch.tensor([[2, 1, 0], [0, 3, 0], [0, 0, 0]])
    assert class_iou(confusion).tolist() == pytest.approx([2 / 3, 3 / 4, -1])
    assert float(mean_iou(confusion)) == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert float(pixel_accuracy(confusion)) == pytest.approx(5 / 6)


def test_without_pixels_there_is_no_value():
    metric = SegmentationQuality(3)
    metric.update(*torch.zeros(2, 0, 1, 4, 4))
    assert all(value.isnan() for value in metric.compute().values())


def test_pictures_go_through_the_parser():
    class Bright(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return (images.mean(dim=1, keepdim=True) > 0).long()

    images = torch.rand(2, 3, 6, 6) * 2 - 1
    metric = SegmentationQuality(2, Bright())
    metric.update(images, Bright()(images))
    assert float(metric.compute()["accuracy"]) == 1


def values(rank: int, split: int):
    mine = slice(0, split) if rank == 0 else slice(split, None)
    metric = SegmentationQuality(5, ignored_label=IGNORED)
    found, wanted = (each[mine] for each in maps())
    if len(found):
        metric.update(found, wanted)
    return [float(value) for value in metric.compute().values()]


def run(rank: int):
    # unequal shares, and a process without pictures
    return [values(rank, split) for split in (2, 5)]


@pytest.mark.distributed
def test_two_processes_agree_with_one():
    expected = by_hand(*maps())
    for uneven, lonely in run_processes(run):
        assert uneven == pytest.approx(expected)
        assert lonely == pytest.approx(expected)
