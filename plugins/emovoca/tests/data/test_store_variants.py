"""Emotional sequences of a store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lightning_face.audio import load_audio, normalize_waveform
from lightning_face.errors import DataError
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.store_variants import StoreVariants
from lightning_face_emovoca.landmarks import normalize_landmarks

ACTORS = ("FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA")


@pytest.mark.parametrize("storage", ["array", "virtual"])
def test_stores_of_both_kinds_are_read(small_settings, storage):
    settings = replace(small_settings, storage=storage)
    build(settings)
    source = StoreVariants(settings.out)
    variants = source.variants(ACTORS)
    assert len(variants) == 2 * 2 * 3 * 3
    assert [each.name for each in variants] == sorted(each.name for each in variants)
    assert {each.actor for each in source.variants(ACTORS[:1])} == {ACTORS[0]}
    layout = EmoVOCALayout(settings.root)
    for variant in variants[::8]:
        moved = source.displacement(variant, slice(None))
        assert len(moved) == variant.frames
        part = source.displacement(variant, slice(4, 6))
        np.testing.assert_allclose(part, moved[4:6], atol=1e-7)
        points = source.embedding.landmarks_of(source.template(variant.actor) + moved)
        landmarks = source.landmarks(variant, slice(None))
        np.testing.assert_allclose(landmarks, normalize_landmarks(points), atol=1e-5)
        name = f"{variant.actor}_{variant.sentence}"
        waveform = normalize_waveform(load_audio(layout.talking_wav(name), 16000))
        np.testing.assert_allclose(source.waveform(variant), waveform, atol=1e-4)
        assert variant.name in source.files(variant)[0]
        assert variant.conditions(11, 3)[0].sum() == 1
    assert source.left_out == {}


def test_unfinished_and_missing_stores_are_named(small_settings, tmp_path):
    build(replace(small_settings, storage="virtual"))
    (small_settings.out / "manifest.jsonl").unlink()
    with pytest.raises(DataError, match=r"store\.zarr is not finished"):
        StoreVariants(small_settings.out)
    with pytest.raises(DataError, match="nowhere"):
        StoreVariants(tmp_path / "nowhere")
