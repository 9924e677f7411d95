"""What is found on the disk before a build."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.builder.sources import expression_motion, find_sources
from lightning_face_emovoca.data.emotions import find_emotion
from lightning_face_emovoca.data.layout import EmoVOCALayout


def test_sentences_are_sorted(small_settings):
    sources = find_sources(small_settings)
    names = [each.name for each in sources.sequences]
    assert names == sorted(names)
    assert len(names) == 4
    assert sources.num_frames == sum(each.frames for each in sources.sequences)
    assert all(not each.vertices_file.startswith("/") for each in sources.sequences)


def test_chosen_sentences(small_settings):
    actor = "FaceTalk_170728_03272_TA"
    sources = find_sources(replace(small_settings, actors=[actor], sentences=["sentence02"]))
    assert [each.name for each in sources.sequences] == [f"{actor}/sentence02"]
    assert set(sources.templates) == {actor}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actors": ["nobody"]}, "actors: nobody is not in"),
        ({"sentences": ["sentence77"]}, "sentences: sentence77 is not in"),
        ({"donors": {"nobody": "COMA_CH01"}}, "donors: nobody is none of those who speak"),
    ],
)
def test_names_that_are_not_there(small_settings, change, message):
    with pytest.raises(ConfigError, match=message):
        find_sources(replace(small_settings, **change))


def test_donor_that_is_not_there(small_settings):
    donors = {"FaceTalk_170728_03272_TA": "COMA_CH09"}
    with pytest.raises(DataError, match=r"COMA_CH09.* missing; get"):
        find_sources(replace(small_settings, donors=donors))


def test_root_that_is_not_there(small_settings, tmp_path):
    with pytest.raises(DataError, match="get VOCASET"):
        find_sources(replace(small_settings, root=tmp_path / "nowhere"))


def test_sequences_without_sound_are_left_out_and_counted(
    small_settings, small_root, tmp_path, caplog
):
    shutil.copytree(small_root, tmp_path / "root")
    layout = EmoVOCALayout(tmp_path / "root")
    layout.talking_wav("FaceTalk_170728_03272_TA_sentence01").unlink()
    with caplog.at_level(logging.WARNING):
        sources = find_sources(replace(small_settings, root=tmp_path / "root"))
    assert len(sources.sequences) == 3
    assert "1 sequences are left out, without a sound" in caplog.text


@pytest.mark.parametrize(
    "weights", [np.full(10, 0.5), np.full(280, 2.0), np.full(280, np.nan)], ids=str
)
def test_region_of_wrong_weights(small_settings, tmp_path, weights):
    np.save(tmp_path / "region.npy", weights)
    with pytest.raises(DataError, match="280 weights in"):
        find_sources(replace(small_settings, region=tmp_path / "region.npy"))


def test_expression_goes_evenly_from_the_neutral_face_to_its_apex(small_settings):
    sources = find_sources(small_settings)
    identity, emotion = sources.expressions["COMA_CH01"], find_emotion("Afraid")
    apex = expression_motion(identity, emotion, moving=False)
    motion = expression_motion(identity, emotion, moving=True)
    assert apex.shape == (1, 280, 3)
    assert motion.shape == (31, 280, 3)
    assert not motion[0].any()
    np.testing.assert_array_equal(motion[30], apex[0])
    for frame in (5, 10, 20, 25):
        # the meshes of the sample move evenly, but for the rounding of their files
        np.testing.assert_allclose(motion[frame], frame / 30 * apex[0], atol=1e-7)


def test_shared_files(small_settings):
    still = find_sources(small_settings).shared_files(moving=False)
    assert len(still) == 1 + 2 * (1 + 3)
    moving = find_sources(small_settings).shared_files(moving=True)
    assert len(moving) == 1 + 2 * (1 + 3 * 3)
    mean = find_sources(replace(small_settings, expression_neutral="mean"))
    assert len(mean.shared_files(moving=False)) == 1 + 2 * 3
