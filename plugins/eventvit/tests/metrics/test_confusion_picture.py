"""The picture of the confusion matrix shows where the clips are."""

from __future__ import annotations

import torch

from lightning_face_eventvit.data.action_units import ACTION_UNITS
from lightning_face_eventvit.metrics.confusion_picture import draw_confusion


def test_right_and_wrong_cells_have_their_colours():
    names = ["AU_1", "AU_2"]
    picture = draw_confusion(torch.tensor([[4, 0], [3, 0]]), names)
    side = picture.width
    corner = side - 8 - 2 * 28
    cells = [
        [picture.getpixel((corner + 28 * column + 4, corner + 28 * row + 4)) for column in (0, 1)]
        for row in (0, 1)
    ]
    assert cells[0][0][1] > cells[0][0][0]  # green: all of AU_1 was found
    assert cells[1][0][0] > cells[1][0][1]  # red: all of AU_2 was taken for AU_1
    assert cells[0][1] == cells[1][1] == (255, 255, 255)


def test_all_classes_fit():
    picture = draw_confusion(torch.eye(24, dtype=torch.long), list(ACTION_UNITS))
    assert picture.width == picture.height
    assert picture.width > 24 * 28
