"""All variants in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.video import AudioTrack
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.preview import MixtureVideo, VariantGrid


@pytest.fixture(scope="module")
def store(small_store):
    return open_store(small_store)


@pytest.fixture
def head(store):
    template = store.template(store.actors[0])
    return store.faces, template, store.embedding.landmarks_of(template)


SOUND = AudioTrack(np.sin(np.arange(8000, dtype=np.float32) / 9), 16000)


@pytest.mark.parametrize(("emotions", "intensities"), [(2, 3), (1, 1), (11, 3)])
def test_there_are_as_many_heads_as_variants(head, emotions, intensities):
    names = [f"emotion {number}" for number in range(emotions)]
    grid = VariantGrid(*head, names, range(1, intensities + 1), height=64)
    picture = grid.draw(np.zeros((emotions, intensities, *head[1].shape)))
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
    assert picture.shape[1] > 50 * emotions
    # heads that are alike look alike
    first, last = picture[26 : 26 + 64, 30 : 30 + 50], picture[-66:-2, -54:-4]
    assert np.ptp(first) > 50
    assert first.shape == last.shape
    if emotions * intensities > 1:
        assert (picture[26 : 26 + 64, 30:][:, :50] == first).all()


def test_a_head_that_moves_is_drawn_where_its_variant_belongs(head):
    grid = VariantGrid(*head, ["Sad", "Happy"], [1, 2, 3], height=64)
    moved = np.zeros((2, 3, *head[1].shape))
    still = grid.draw(moved).astype(int)
    moved[1, 2, :, 1] = 0.01
    changed = np.abs(grid.draw(moved).astype(int) - still).sum(axis=-1) > 0
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 26 + 2 * 66
    assert columns.min() >= 30 + 50


def test_the_sound_is_below(head):
    silent = VariantGrid(*head, ["Sad"], [1, 2], height=64)
    loud = VariantGrid(*head, ["Sad"], [1, 2], SOUND, height=64)
    still = np.zeros((1, 2, *head[1].shape))
    assert loud.draw(still).shape[0] == silent.draw(still).shape[0] + 96


def test_the_difference_is_in_colour(head):
    faces, template, _ = head
    video = MixtureVideo(faces, template, "Happy, 2", 5.0, SOUND, height=128)
    still, moved = np.zeros(template.shape), np.zeros(template.shape)
    moved[:, 2] = 0.005
    plain = video.draw(still, still, (0.001, 0.001))
    hot = video.draw(still, moved, (0.001, 0.002))
    width = plain.shape[1] // 3
    assert plain.shape[0] % 2 == plain.shape[1] % 2 == 0
    # the source stays as it is, what is far away turns dark and red
    assert (plain[:128, :width] == hot[:128, :width]).all()
    middle = hot[40:80, 2 * width + width // 3 : 3 * width - width // 3].astype(int)
    before = plain[40:80, 2 * width + width // 3 : 3 * width - width // 3].astype(int)
    assert middle.mean() < before.mean() - 30
