"""Parts of a face found by its landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.verification.face_regions import lip_vertices, upper_face_vertices


def test_lips_lie_around_the_mouth(head):
    lips = head.template[lip_vertices(head.template, head.landmarks(np.zeros((1, 1353, 3)))[0])]
    assert np.abs(lips[:, 0]).max() < 0.035
    assert np.abs(lips[:, 1] + 0.04).max() < 0.025


def test_upper_face_is_above_the_mouth(head):
    upper = head.template[head.upper_face]
    assert upper[:, 1].min() > -0.02
    assert 0.045 < upper[:, 1].max() < 0.1
    assert not set(head.upper_face) & set(head.lips)


@pytest.mark.parametrize("find", [lip_vertices, upper_face_vertices])
def test_landmarks_of_another_head_are_refused(head, find):
    landmarks = head.landmarks(np.zeros((1, 1353, 3)))[0]
    with pytest.raises(DataError, match="embedding does not belong"):
        find(head.template + 1.0, landmarks)
