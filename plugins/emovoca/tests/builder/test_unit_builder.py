"""Single sentences: what identifies them, and the memory they take."""

from __future__ import annotations

import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lightning_face.errors import DataError
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.builder.unit_builder import UnitBuilder, source_digests, unit_id
from lightning_face_emovoca.data.layout import EmoVOCALayout

ACTOR = "FaceTalk_170725_00137_TA"


def test_identity_depends_on_everything_that_a_sentence_is_built_of(array_store):
    index = array_store.index
    unit, other = index.sequences[:2]
    root = Path(index.sources)
    digests = source_digests(root, unit)
    assert digests["sound"]["file"].endswith("sentence01.wav")
    same = unit_id(unit, digests, index.settings, index.fingerprint)
    assert same == array_store.manifest[0]["unit"]
    changed = {**digests, "sound": {**digests["sound"], "sha256": "0"}}
    others = {
        unit_id(other, digests, index.settings, index.fingerprint),
        unit_id(unit, changed, index.settings, index.fingerprint),
        unit_id(unit, digests, {**index.settings, "talking_strength": 1}, index.fingerprint),
        unit_id(unit, digests, index.settings, {**index.fingerprint, "generator": "0"}),
    }
    assert len(others - {same}) == 4


def test_source_that_went_away(array_store, tmp_path):
    with pytest.raises(DataError, match=r"sentence01\.npy is missing"):
        source_digests(tmp_path, array_store.index.sequences[0])


@pytest.mark.parametrize("check", [False, True])
def test_memory_does_not_grow_with_the_sentence(small_settings, small_root, tmp_path, check):
    shutil.copytree(small_root, tmp_path / "root")
    layout = EmoVOCALayout(tmp_path / "root")
    vertices = np.load(layout.talking(f"{ACTOR}_sentence01"))
    sound, rate = soundfile.read(layout.talking_wav(f"{ACTOR}_sentence01"))
    repeats = 12
    np.save(layout.talking(f"{ACTOR}_sentence02"), np.concatenate([vertices] * repeats))
    soundfile.write(
        layout.talking_wav(f"{ACTOR}_sentence02"), np.concatenate([sound] * repeats), rate
    )
    settings = replace(small_settings, root=layout.root, actors=[ACTOR], check=check)
    build(settings)
    store = open_store(settings.out)
    builder = UnitBuilder(store, settings.out / ".partial" / "test")
    peaks = []
    for unit in store.sequences:
        builder.build(unit)
        tracemalloc.start()
        builder.build(unit)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    frames = [unit.frames for unit in store.sequences]
    assert frames[1] == repeats * frames[0]
    one_variant = 4 * 3 * store.index.num_vertices * frames[1]
    # sound and latents are there as a whole, and motion in blocks
    whole = store.audio(ACTOR, "sentence02")[0].nbytes
    assert peaks[1] - peaks[0] < 6 * whole + 0.2 * one_variant
