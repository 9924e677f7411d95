"""The verb that shows attributes."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.commands import main
from lightning_face_mars.data.person_layout import CUHK_PEDES, ICFG_PEDES
from lightning_face_mars.data.sample import write_sample

LEXICON = ["--chunker", "lexicon"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))


def test_captions_of_ones_own_are_marked_and_counted(capsys):
    captions = ["--caption", "A man in a dark coat.", "--caption", "Nobody"]
    assert main(["chunks", *captions, *LEXICON]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "a man in a [dark coat]1",
        "nobody",
        "2 captions, 0.5 attributes each; 1 (50.0%) have none",
    ]


def test_captions_without_an_attribute_are_listed(capsys):
    captions = ["--caption", "A man in a dark coat.", "--caption", "Nobody"]
    assert main(["chunks", *captions, "--none", *LEXICON]) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == ["nobody"]


@pytest.mark.parametrize(("choice", "colored"), [("always", True), ("never", False)])
def test_colours_are_a_choice(capsys, choice, colored):
    assert main(["chunks", "--caption", "a red hat", "--color", choice, *LEXICON]) == 0
    assert ("\x1b[" in capsys.readouterr().out) == colored


def test_colours_are_for_terminals_that_want_them(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for wanted in (True, False):
        if not wanted:
            monkeypatch.setenv("NO_COLOR", "1")
        assert main(["chunks", "--caption", "a red hat", *LEXICON]) == 0
        assert ("\x1b[" in capsys.readouterr().out) == wanted


def test_attributes_of_a_data_set_are_kept_for_training(tmp_path, capsys):
    root = tmp_path / "data"
    write_sample(root, CUHK_PEDES, {"train": 2, "test": 1}, images_each=2)
    assert main(["chunks", str(root), "--show", "3", *LEXICON]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("8 captions, ")
    assert lines[-1].endswith("attributes each; 0 (0.0%) have none")
    assert len(list((tmp_path / "cache" / "attributes").glob("lexicon-*.npz"))) == 1


def test_a_part_that_is_not_there_is_refused(tmp_path):
    write_sample(tmp_path, ICFG_PEDES, {"train": 2, "test": 1}, images_each=1)
    with pytest.raises(ConfigError, match="has no part val: name another with --part"):
        main(["chunks", str(tmp_path), "--part", "val", *LEXICON])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([], ConfigError, "one of the arguments ROOT --caption is required"),
        (["--caption", "a", "--show", "-1"], ConfigError, "--show -1: at least 0"),
        (["--caption", "a", "--vocabulary", "gone.txt"], DataError, r"gone\.txt cannot be read"),
        (["nowhere"], DataError, "nowhere holds none of reid_raw"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, error, message):
    with pytest.raises(error, match=message):
        main(["chunks", *arguments])
