from __future__ import annotations

import numpy as np
import pytest

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.demo.painting import apply_strokes, erase_class

SKIN, GLASSES, EYE, HAIR = 1, 3, 4, 13


@pytest.mark.parametrize("factor", [1, 2, 8])
def test_strokes_on_a_larger_canvas_paint_the_pixels_below(factor):
    labels = np.zeros((6, 9), np.uint8)
    strokes = np.zeros((6 * factor, 9 * factor), np.uint8)
    strokes[factor : 3 * factor, 4 * factor : 7 * factor] = 255
    painted = apply_strokes(labels, strokes, HAIR)
    expected = labels.copy()
    expected[1:3, 4:7] = HAIR
    assert np.array_equal(painted, expected)
    assert painted.dtype == np.uint8
    assert not labels.any()


def test_a_pixel_less_than_half_covered_is_not_painted():
    strokes = np.zeros((4, 8), np.uint8)
    strokes[:, :1] = 255
    strokes[:, 4:7] = 255
    assert apply_strokes(np.zeros((1, 2), np.uint8), strokes, SKIN).tolist() == [[0, SKIN]]


def test_what_a_part_covered_goes_to_the_nearest_class_below():
    labels = np.full((8, 8), SKIN, np.uint8)
    labels[0] = HAIR
    labels[2, 3] = EYE
    labels[1:4, 2:5] = np.where(labels[1:4, 2:5] == EYE, EYE, GLASSES)
    erased = erase_class(labels, GLASSES, CLASS_NAMES)
    assert not (erased == GLASSES).any()
    assert (erased == EYE).sum() == 1
    assert (erased[1:] != HAIR).all(), "hair lies above skin"
    kept = labels != GLASSES
    assert np.array_equal(erased[kept], labels[kept])


@pytest.mark.parametrize("number", [0, 1])
def test_classes_that_lie_below_parts_can_be_erased(number):
    labels = np.array([[0, 0, 1, 1, 17]], np.uint8)
    erased = erase_class(labels, number, CLASS_NAMES)
    assert not (erased == number).any()


def test_classes_without_names_of_faces_go_to_any_neighbour():
    labels = np.array([[2, 2, 1, 1]], np.uint8)
    assert erase_class(labels, 1, ["class 0", "class 1", "class 2"]).tolist() == [[2, 2, 2, 2]]
