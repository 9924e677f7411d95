"""The drawn data set."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars.data.person_layout import CUHK_PEDES, LAYOUTS
from lightning_face_mars.data.person_records import read_records
from lightning_face_mars.data.sample import (
    SAMPLE_WORDS,
    describe,
    draw_pedestrians,
    write_sample,
)
from lightning_face_mars.text.tokenizer import CaptionTokenizer


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    content = b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in files)
    return hashlib.sha256(content).hexdigest()


def test_it_is_the_same_each_time_and_another_with_another_seed(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sample(tmp_path / name, CUHK_PEDES, {"train": 2, "test": 1}, 1, seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_the_layouts_are_those_of_the_data_sets(drawn):
    paths = {name: sorted(_files(drawn / name)) for name in LAYOUTS}
    assert paths["rstpreid"][0] == "0000_c1_0000.jpg"
    assert all("/" not in path for path in paths["rstpreid"])
    assert {path.split("/")[0] for path in paths["icfg-pedes"]} == {"train", "test"}
    assert {path.split("/")[0] for path in paths["cuhk-pedes"]} >= {"CUHK01", "CUHK03"}
    (row, *_) = json.loads((drawn / "rstpreid" / "data_captions.json").read_text())
    assert list(row) == ["id", "img_path", "captions", "split"]


def _files(root):
    return [str(path.relative_to(root / "imgs")) for path in (root / "imgs").rglob("*.jpg")]


def test_every_word_is_in_the_vocabulary_that_lies_beside(drawn):
    for name, layout in LAYOUTS.items():
        tokenizer = CaptionTokenizer(drawn / name / "vocab.txt")
        assert len(tokenizer.vocabulary) == 5 + len(SAMPLE_WORDS) < 45
        for records in read_records(drawn / name, layout).values():
            for ids in tokenizer.encode([text for each in records for text in each.captions]):
                assert tokenizer.vocabulary.unknown_id not in ids


def test_no_two_persons_look_the_same():
    persons = draw_pedestrians(300, np.random.default_rng(0))
    looks = Counter((p.hair, p.shirt, p.garment_color, p.shoes) for p in persons)
    assert len(persons) == len(looks) == 300
    assert {person.garment for person in persons} == {"pants", "shorts", "skirt"}
    assert {person.bag for person in persons} == {None, "backpack", "handbag"}


def test_captions_name_all_that_tells_a_person_apart():
    generator = np.random.default_rng(0)
    for person in draw_pedestrians(20, generator):
        for caption in describe(person, generator):
            assert f"{person.hair} hair" in caption
            assert f"{person.shirt} shirt" in caption
            assert f"{person.garment_color} {person.garment}" in caption
            assert f"{person.shoes} shoes" in caption
            bag = f"a {person.bag_color} {person.bag}" if person.bag else "no bag"
            assert caption.endswith(f"{bag}.")
            assert ("woman" in caption) == person.woman


def test_more_persons_than_looks_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="1081 persons are more than the 1080"):
        write_sample(tmp_path, CUHK_PEDES, {"train": 1000, "test": 81})
