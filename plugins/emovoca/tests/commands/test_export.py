"""The verb that writes a data set in another layout."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.commands import main


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("reference", "Dataset/EmoVOCA/sequences/{}.npy"),
        ("npz", "{}.npz"),
        ("glb", "{}.glb"),
        ("obj", "{}/frame_00003.obj"),
        ("ply", "{}/frame_00003.ply"),
    ],
)
def test_what_is_chosen_is_written(small_store, tmp_path, capsys, kind, expected):
    words = ["export", str(small_store), "--to", kind, "-o", str(tmp_path)]
    chosen = ["--sentences", "sentence02", "--emotions", "angry", "--intensities", "3"]
    assert main([*words, *chosen]) == 0
    for actor in ("FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA"):
        assert (tmp_path / expected.format(f"{actor}_sentence02_Irritated1_3")).is_file()
    assert capsys.readouterr().out.strip() == f"2 variants in {tmp_path}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "fbx"], "invalid choice: 'fbx'"),
        (["--to", "npz", "--emotions", "Upset"], "has no emotion 'Upset'"),
        (["--to", "npz", "--intensities", "9"], "has no intensity 9"),
    ],
)
def test_wrong_words_are_one_line(small_store, tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        main(["export", str(small_store), "-o", str(tmp_path / "out"), *words])
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(small_store, tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigError, match="is a file: name a folder"):
        main(["export", str(small_store), "--to", "npz", "-o", str(file)])
