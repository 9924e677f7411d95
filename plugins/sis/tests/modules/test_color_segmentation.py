from __future__ import annotations

import pytest
import torch

from lightning_face_sis.modules.color_segmentation import (
    ColorSegmentation,
    color_distances,
    labels_by_color,
)

COLORS = torch.tensor([[-1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])


def paint(labels: torch.Tensor) -> torch.Tensor:
    return COLORS[labels[:, 0]].permute(0, 3, 1, 2)


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.randint(4, (2, 1, 8, 8), generator=torch.Generator().manual_seed(0))


def test_pixels_are_of_the_class_whose_color_is_nearest(labels):
    noise = 0.2 * torch.rand(2, 3, 8, 8)
    found = labels_by_color(paint(labels) + noise, paint(labels), labels, 4)
    assert torch.equal(found, labels)


def test_only_classes_of_the_reference_are_found(labels):
    reference = labels % 2
    found = labels_by_color(paint(labels), paint(reference), reference, 4)
    assert set(found.unique().tolist()) == {0, 1}


def test_the_metric_is_one_for_pictures_that_follow_their_masks(labels):
    metric = ColorSegmentation(4)
    metric.update(paint(labels), labels, paint(labels), labels)
    assert metric.compute() == 1
    metric.reset()
    metric.update(paint(labels.roll(1, 0)), labels, paint(labels), labels)
    assert metric.compute() < 0.3


def test_distances_count_classes_that_both_have(labels):
    reference = labels % 3
    distances = color_distances(paint(labels), labels, paint(reference) + 0.1, reference, 4)
    assert len(distances) == 6
    assert distances.tolist() == pytest.approx([0.1] * 6)
