"""Pictures of videos of talking heads."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.render import ComparisonVideo, SpeechVideo
from lightning_face.video import AudioTrack

pytest.importorskip("numba")

AUDIO = AudioTrack(np.random.default_rng(0).uniform(-1, 1, 16000).astype(np.float32), 16000)


def tetrahedron():
    vertices = 0.1 * np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)], float)
    return vertices, np.array([(0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2)])


@pytest.mark.parametrize("views", [["front"], ["front", "quarter", "side"]])
def test_speech_has_a_picture_for_each_view_above_the_strip(views):
    vertices, faces = tetrahedron()
    picture = SpeechVideo(faces, vertices, AUDIO, 25, views, height=200).draw(vertices, 3.0)
    assert picture.shape == (200 + 72, 156 * len(views), 3)
    assert SpeechVideo(faces, vertices, None, 25, views, 200).draw(vertices, 3.0).shape[0] == 200


def test_equal_heads_have_equal_pictures_and_no_colour():
    vertices, faces = tetrahedron()
    video = ComparisonVideo(faces, vertices, None, 25, highest=5.0, height=300)
    picture = video.draw(vertices, vertices, np.zeros(4), [0.0, 0.0])
    target, prediction, error = np.split(picture, 3, axis=1)
    np.testing.assert_array_equal(target[50:240], prediction[50:240])
    saturation = np.ptp(error[50:240].astype(int), axis=2)
    assert saturation.max() < 40
    wrong = video.draw(vertices, vertices, np.full(4, 0.004), [0.0, 0.0])
    assert np.ptp(np.split(wrong, 3, axis=1)[2][50:240].astype(int), axis=2).max() > 100


def test_heads_of_other_vertices_are_seen_by_the_same_camera():
    vertices, faces = tetrahedron()
    middle = vertices[faces[0]].mean(axis=0)
    finer = np.concatenate([vertices, [middle]])
    parts = np.array([(0, 1, 4), (1, 2, 4), (2, 0, 4), (0, 2, 3), (0, 3, 1), (1, 3, 2)])
    video = ComparisonVideo(faces, vertices, None, 25, 5.0, parts, finer, height=300)
    picture = video.draw(finer, vertices, np.zeros(4), [0.0])
    target, prediction, _ = np.split(picture, 3, axis=1)
    shape = [
        np.abs(np.diff(each[60:230].astype(int), axis=1)).max(axis=2) > 12
        for each in (target, prediction)
    ]
    assert (shape[0] != shape[1]).mean() < 0.02
