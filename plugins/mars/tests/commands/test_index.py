"""The verb that makes and extends a gallery."""

from __future__ import annotations

import shutil

import pytest

from lightning_face.errors import ConfigError, DataError


def test_a_gallery_is_made_and_extended(mars, folder, picture, tmp_path, capsys):
    index = tmp_path / "gallery.idx"
    assert mars("index", folder, "-o", index) == 0
    assert "14 pictures, 14 of them new or changed, 0 gone" in capsys.readouterr().out
    shutil.copy(picture, folder / "again.jpg")
    (folder / "broken.jpg").write_bytes(b"")
    picture.unlink()
    assert mars("index", folder, "-o", index, "--batch-size", 3) == 0
    out, err = capsys.readouterr()
    assert "14 pictures, 1 of them new or changed, 1 gone" in out
    assert "left out: " in err
    assert "broken.jpg" in err


def test_many_files_that_are_no_pictures_are_counted(mars, folder, tmp_path, capsys):
    for number in range(7):
        (folder / f"broken{number}.jpg").write_bytes(b"")
    mars("index", folder, "-o", tmp_path / "gallery.idx")
    err = capsys.readouterr().err
    assert err.count("left out: ") == 5
    assert "2 more were left out" in err


def test_wrong_options(mars, folder, tmp_path):
    with pytest.raises(ConfigError, match="is a folder: name a file"):
        mars("index", folder, "-o", folder)
    with pytest.raises(ConfigError, match="--batch-size 0"):
        mars("index", folder, "-o", tmp_path / "a.idx", "--batch-size", 0)
    with pytest.raises(DataError, match="does not exist"):
        mars("index", tmp_path / "none", "-o", tmp_path / "a.idx")
    assert not (tmp_path / "a.idx").exists()
