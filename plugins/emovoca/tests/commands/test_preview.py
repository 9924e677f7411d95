"""The verb that draws a data set."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.commands import main


def test_everything_is_drawn_of_the_first_sentence(small_store, tmp_path, capsys):
    words = ["preview", str(small_store), "-o", str(tmp_path), "--height", "64", "--every", "8"]
    assert main(words) == 0
    files = sorted(path.name for path in tmp_path.iterdir())
    stem = "FaceTalk_170725_00137_TA_sentence01"
    assert files[0] == f"{stem}_Afraid_2.mp4"
    assert files[1].startswith(f"{stem}_frame00")
    assert files[2] == f"{stem}_grid.mp4"
    assert sorted(capsys.readouterr().out.split()) == [str(tmp_path / name) for name in files]


def test_one_thing_of_another_sentence(small_store, tmp_path):
    words = ["preview", str(small_store), "-o", str(tmp_path), "--height", "64", "--sheet"]
    actor = "FaceTalk_170728_03272_TA"
    assert main([*words, "--actor", actor, "--sentence", "sentence02", "--frame", "3"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"{actor}_sentence02_frame0003.png"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--height", "5"], ConfigError, "--height 5: give 48 to 1024"),
        (["--every", "0"], ConfigError, "--every 0: at least 1"),
        (["--sheet", "--frame", "999"], ConfigError, "--frame 999: .* has [0-9]+ frames"),
        (["--compare", "Happy", "2"], ConfigError, "has no emotion 'Happy'"),
        (["--compare", "Afraid", "much"], ConfigError, "an intensity is a number"),
        (["--compare", "Afraid", "2.5"], ConfigError, "has no intensity 2.5"),
        (["--actor", "nobody"], DataError, "has no sentence of nobody"),
    ],
)
def test_wrong_words_are_one_line(small_store, tmp_path, words, error, message):
    with pytest.raises(error, match=message):
        main(["preview", str(small_store), "-o", str(tmp_path), *words])
    assert list(tmp_path.iterdir()) == []
