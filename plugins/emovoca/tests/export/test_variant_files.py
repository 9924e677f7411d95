"""Variants as files of moving meshes."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import soundfile

from lightning_face.errors import ConfigError
from lightning_face.mesh import read_animation
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.export import FORMATS, Selection, export_animations


@pytest.fixture(scope="module")
def store(small_store):
    return open_store(small_store)


@pytest.fixture
def variants(store):
    return Selection(store.actors[:1], ["sentence01"], ["Disgust"], [1, 2]).variants(store)


@pytest.mark.parametrize("kind", ["npz", "obj", "ply"])
def test_files_give_back_the_motion(store, variants, tmp_path, kind):
    paths = list(export_animations(store, variants, kind, tmp_path))
    assert len(paths) == 2
    for path, variant in zip(paths, variants, strict=True):
        animation = read_animation(path)
        actor, sentence = variant.sequence.actor, variant.sequence.sentence
        expected = store.template(actor) + store.sequence(
            actor, sentence, "Disgust", variant.intensity
        )
        assert animation.vertices == pytest.approx(expected, abs=1e-7)
        assert (animation.faces == store.faces).all()
    samples, rate = soundfile.read(tmp_path / f"{variants[0].talking}.wav")
    assert len(samples) / rate == pytest.approx(variants[0].sequence.frames / 60, abs=0.1)


def test_a_glb_file_moves(store, variants, tmp_path):
    (path, _) = export_animations(store, variants, "glb", tmp_path)
    content = path.read_bytes()
    (length,) = struct.unpack("<I", content[12:16])
    scene = json.loads(content[20 : 20 + length])
    assert scene["animations"]
    assert scene["meshes"][0]["primitives"][0]["targets"]


def test_formats_that_are_none_are_refused(store, variants, tmp_path):
    assert FORMATS == ("npz", "glb", "obj", "ply")
    with pytest.raises(ConfigError, match="abc is no format"):
        next(export_animations(store, variants, "abc", tmp_path))
    assert np.isfinite(store.template(store.actors[0])).all()
