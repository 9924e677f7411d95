"""A store in the layout of the published data set."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import soundfile

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.variant_source import open_variants
from lightning_face_emovoca.export import Selection, export_published


@pytest.fixture(scope="module")
def store(small_store):
    return open_store(small_store)


def test_what_is_written_reads_as_the_store_does(store, small_root, tmp_path):
    variants = Selection(actors=store.actors[:1], intensities=[1, 3]).variants(store)
    written = list(export_published(store, variants, tmp_path))
    assert len(written) == len(variants) == 12
    folder = open_variants(tmp_path, EmoVOCALayout(small_root).template_folder, True)
    found = folder.variants(store.actors)
    assert {each.name for each in found} == {each.name for each in variants}
    source = open_variants(store.path, None, True)
    for each in found:
        exact = source.displacement(each, slice(None))
        assert np.abs(folder.displacement(each, slice(None)) - exact).max() < 1e-7
        marks = source.landmarks(each, slice(None))
        assert np.abs(folder.landmarks(each, slice(None)) - marks).max() < 1e-6
        assert (folder.template(each.actor) == source.template(each.actor)).all()


def test_files_are_those_of_the_published_layout(store, small_root, tmp_path):
    variants = Selection(sentences=["sentence01"], emotions=["Angry"]).variants(store)
    paths = list(export_published(store, variants, tmp_path))
    name = f"{store.actors[0]}_sentence01_Irritated1_2"
    folder = tmp_path / "Dataset" / "EmoVOCA"
    vertices = np.load(folder / "sequences" / f"{name}.npy")
    assert paths[1] == folder / "sequences" / f"{name}.npy"
    assert vertices.dtype == np.float64
    frames = store.find(store.actors[0], "sentence01").frames
    assert vertices.shape == (frames, store.index.num_vertices, 3)
    assert np.load(folder / "landmarks_sequences" / f"{name}.npy").shape == (frames, 68, 3)
    assert np.load(folder / "label" / f"{name}.npy") == 2
    assert np.load(folder / "intensity" / f"{name}.npy") == 2
    # the very samples of the source
    sound, rate = soundfile.read(folder / "wav" / f"{name}.wav", dtype="int16")
    wav = EmoVOCALayout(small_root).talking_wav(f"{store.actors[0]}_sentence01")
    original, expected = soundfile.read(wav, dtype="int16")
    assert rate == expected
    assert (sound == original).all()


@pytest.mark.parametrize("change", [{"intensity": 1.5}, {"emotion": None}])
def test_what_has_no_name_there_is_refused_before_anything_is_written(store, tmp_path, change):
    variant = Selection().variants(store)[0]
    if "emotion" in change:
        change = {"emotion": dataclasses.replace(variant.emotion, name="Mix", label=None)}
    strange = dataclasses.replace(variant, **change)
    with pytest.raises(ConfigError, match="has no place in the published layout"):
        list(export_published(store, [variant, strange], tmp_path))
    assert list(tmp_path.iterdir()) == []
