"""Which variants are meant."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.export import Selection


@pytest.fixture(scope="module")
def store(small_store):
    return open_store(small_store)


def test_nothing_named_means_everything(store):
    variants = Selection().variants(store)
    assert len(variants) == 4 * 3 * 3
    assert len({variant.name for variant in variants}) == 36
    assert variants[0].name == f"{variants[0].sequence.actor}_sentence01_Afraid_1"


def test_names_choose(store):
    actor = store.actors[1]
    chosen = Selection([actor], ["sentence02"], ["angry", "Disgust"], [2, 3]).variants(store)
    assert [variant.name for variant in chosen] == [
        f"{actor}_sentence02_{emotion}_{intensity}"
        for emotion in ("Disgust", "Irritated1")
        for intensity in (2, 3)
    ]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(actors=["nobody"]), "has no actor nobody; it has FaceTalk"),
        (Selection(sentences=["sentence99"]), "has no sentence sentence99"),
        (Selection(emotions=["Upset"]), "no emotion 'Upset'; it has Afraid"),
        (Selection(intensities=[1.5]), "no intensity 1.5; it has 1, 2, 3"),
    ],
)
def test_what_is_not_there_is_refused(store, selection, message):
    with pytest.raises(ConfigError, match=message):
        selection.variants(store)
