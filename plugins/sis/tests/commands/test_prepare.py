from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.commands import main


def prepare(*words):
    return main(["prepare", "celebamask", *map(str, words)])


def test_a_data_set_is_split_and_merged(sample, tmp_path, capsys):
    assert prepare(sample.root, tmp_path / "out", "--size", "32") == 0
    printed = capsys.readouterr().out
    assert "3 faces for training, 1 for the test" in printed
    assert "4 written, 0 were there" in printed
    assert len(list((tmp_path / "out/train/labels").glob("*.png"))) == 3
    prepare(sample.root, tmp_path / "out", "--size", "32")
    assert "0 written, 4 were there" in capsys.readouterr().out


def test_wrong_words_are_named(sample, tmp_path):
    with pytest.raises(ConfigError, match="--workers 0"):
        prepare(sample.root, tmp_path / "out", "--workers", "0")
    with pytest.raises(DataError, match="nothing"):
        prepare(tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(ConfigError, match="invalid choice"):
        main(["prepare", "faces", "a", "b"])
