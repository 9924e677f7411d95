"""Descriptions of data sets: those of the paper, and one's own."""

from __future__ import annotations

import pytest
import yaml

from lightning_face.errors import ConfigError
from lightning_face_scantalk.data.layout import LAYOUTS, find_layout
from lightning_face_scantalk.data.splits import SPLITS

MINE = {
    "name": "mine",
    "fps": 25,
    "stride": 2,
    "templates": "templates/{subject}.ply",
    "faces": "templates/anna.ply",
    "lips": "lips.npy",
    "upper": "upper.npy",
    "split": {"train": ["anna", 7], "validation": ["ben"], "test": ["clara"]},
}


def test_subjects_are_fields_of_the_names():
    assert LAYOUTS["vocaset"].subject_of("FaceTalk_170725_00137_TA_sentence01") == (
        "FaceTalk_170725_00137_TA"
    )
    assert LAYOUTS["BIWI"].subject_of("F1_01") == "F1"
    assert LAYOUTS["multiface"].subject_of("20180227_SEN_some_words") == "20180227"


def test_only_biwi_skips_what_has_an_e_in_fourth_place():
    assert LAYOUTS["BIWI"].is_skipped("F1_e01")
    assert not LAYOUTS["BIWI"].is_skipped("F1_01")
    assert not LAYOUTS["BIWI"].is_skipped("F1_")
    assert not LAYOUTS["vocaset"].is_skipped("FacetTalk_1_TA_sentence01")


def test_frame_rates_are_those_of_the_network():
    assert {name: (each.fps, each.stride) for name, each in LAYOUTS.items()} == {
        "vocaset": (30, 2),
        "BIWI": (25, 1),
        "multiface": (30, 1),
    }


def test_splits_are_those_of_the_authors():
    release, other = SPLITS["release"], SPLITS["alternative"]
    sizes = {
        name: (len(split.train), len(split.validation), len(split.test))
        for name, split in release.items()
    }
    assert sizes == {"vocaset": (8, 2, 2), "BIWI": (10, 2, 2), "multiface": (9, 2, 2)}
    for split in release.values():
        assert len(split.subjects) == len(split.train + split.validation + split.test)
    assert other["vocaset"] == release["vocaset"]
    assert other["BIWI"] == release["BIWI"]
    assert set(other["multiface"].validation) == {"20190828", "20180105"}
    assert set(other["multiface"].test) == {"20181017", "20190521"}
    unregistered = SPLITS["unregistered"]["vocaset"]
    assert len(unregistered.train) == 9
    assert unregistered.validation == ("FaceTalk_170725_00137_TA",)
    assert unregistered.test == release["vocaset"].test
    with pytest.raises(ConfigError, match="unregistered is for vocaset, not for BIWI"):
        LAYOUTS["BIWI"].subjects("unregistered")


def test_a_data_set_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINE))
    layout = find_layout(str(path))
    assert layout.folder == str(tmp_path)
    assert (layout.fps, layout.stride, layout.wav, layout.subject) == (25, 2, "wav", "first")
    assert layout.subjects("release").train == ("anna", "7")
    assert "mine" in layout.source


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 0}, "fps 0"),
        ({"fps": "fast"}, "fps 'fast'"),
        ({"stride": True}, "stride True"),
        ({"subject": "last"}, "neither first nor all-but-last"),
        ({"templates": "head.ply"}, "has no {subject}"),
        ({"lips": 3}, "lips 3 is no text"),
        ({"lips": None}, "the field lips is missing"),
        ({"split": None}, "the field split is missing"),
        ({"split": {"train": ["a"]}}, "lists of subjects under train, validation, test"),
        ({"split": {"train": [], "validation": ["a"], "test": ["b"]}}, "split.train"),
        ({"speed": 3}, "unknown field speed; there are name,"),
    ],
)
def test_wrong_descriptions_are_refused(tmp_path, change, message):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**MINE, **change}))
    with pytest.raises(ConfigError, match=message) as caught:
        find_layout(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "- a\n- b\n", "a: [", "\x00"])
def test_files_that_describe_nothing_are_refused(tmp_path, content):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"mine\.yaml") as caught:
        find_layout(str(path))
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="'voca'; there are vocaset, BIWI, multiface"):
        find_layout("voca")
