from __future__ import annotations

import pytest
import torch

from lightning_face_sis.data.coco_stuff_classes import CLASS_NAMES as COCO_STUFF_NAMES
from lightning_face_sis.data.colors import (
    colorize_labels,
    dataset_colors,
    face_colors,
    scene_colors,
)
from lightning_face_sis.data.label_map import one_hot_masks


@pytest.mark.parametrize("count", [19, 21, 127])
def test_classes_of_a_face_can_be_told_apart(count: int) -> None:
    colors = face_colors(count)
    assert colors.shape == (count, 3)
    assert colors.dtype == torch.uint8
    assert len({tuple(color) for color in colors.tolist()}) == count
    assert colors[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("count", [19, 150, 151, 182, 183])
def test_classes_of_a_scene_can_be_told_apart_and_are_not_black(count: int) -> None:
    colors = scene_colors(count)
    assert len({tuple(color) for color in colors.tolist()}) == count
    assert [0, 0, 0] not in colors.tolist()


def test_bits_are_spread_from_the_high_end() -> None:
    assert face_colors(30)[0b10_001].tolist() == [128, 64, 0]
    assert scene_colors(64)[0b111_000 - 1].tolist() == [64, 64, 64]


def test_known_data_sets_have_colors_of_their_own() -> None:
    assert face_colors()[1].tolist() == [204, 0, 0]
    assert scene_colors(35)[7].tolist() == [128, 64, 128]
    assert scene_colors(182)[COCO_STUFF_NAMES.index("sea")].tolist() == [54, 62, 167]


def test_labels_and_masks_are_painted_alike() -> None:
    colors = face_colors()
    labels = torch.randint(0, 19, (2, 1, 5, 6), generator=torch.Generator().manual_seed(0))
    painted = colorize_labels(labels.to(torch.uint8), colors)
    assert painted.shape == (2, 3, 5, 6)
    assert painted[1, :, 2, 3].tolist() == colors[labels[1, 0, 2, 3]].tolist()
    assert torch.equal(painted, colorize_labels(one_hot_masks(labels, 19), colors))


def test_a_class_without_color_is_black() -> None:
    labels = torch.tensor([[[[1, 19, 255]]]])
    assert colorize_labels(labels, face_colors())[0, :, 0].T.tolist()[1:] == [[0, 0, 0]] * 2


def test_a_single_label_map_is_refused() -> None:
    with pytest.raises(ValueError, match="expected labels"):
        colorize_labels(torch.zeros(4, 4), face_colors())


def test_the_data_set_is_told_by_the_number_of_classes():
    assert torch.equal(dataset_colors(19), face_colors())
    for count in (35, 151, 183):
        assert torch.equal(dataset_colors(count), scene_colors(count))
