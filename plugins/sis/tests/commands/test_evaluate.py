from __future__ import annotations

import json

import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.commands import main


def evaluate(*words):
    return main(["evaluate", *map(str, words)])


@pytest.fixture
def generated(sample, tmp_path):
    folder = tmp_path / "made"
    (folder / "originals").mkdir(parents=True)
    for path in sample.images:
        with Image.open(path) as image:
            image.rotate(180).save(folder / f"{path.stem}.png")
            image.save(folder / "originals" / f"{path.stem}.png")
    (folder / "contact_sheet.png").write_bytes((folder / "0.png").read_bytes())
    return folder


def test_rows_that_need_no_weights(sample, generated, tmp_path, capsys):
    words = ["--generated", generated, "--images", sample.folder]
    assert evaluate(*words, "-o", tmp_path / "t.json") == 0
    printed = capsys.readouterr()
    table = json.loads((tmp_path / "t.json").read_text())
    assert set(table) == {"pictures", "PSNR", "SSIM"}
    assert table["pictures"] == 4
    assert 3 < table["PSNR"] < 20
    assert "PSNR" in printed.out
    assert "FID" in printed.err
    assert "give it as --weights" in printed.err


def test_equal_pictures_are_told(sample, tmp_path, capsys):
    words = ["--generated", sample.folder, "--images", *sample.images[:2]]
    evaluate(*words, "-o", tmp_path / "t.json")
    table = json.loads((tmp_path / "t.json").read_text())
    assert table["SSIM"] == pytest.approx(1, abs=1e-4)


def test_what_cannot_be_compared_is_named(sample, generated, tmp_path):
    words = ["--generated", generated, "--images", sample.folder]
    (generated / "2.png").unlink()
    with pytest.raises(DataError, match=r"no picture 2\.png"):
        evaluate(*words)
    with pytest.raises(DataError, match="none is no folder"):
        evaluate("--generated", tmp_path / "none", "--images", sample.folder)
    with pytest.raises(ConfigError, match="exists"):
        evaluate(*words, "-o", generated / "1.png")


def test_a_generated_set_has_a_row_of_diversity(sca, sample, tmp_path, capsys):
    sca("generate", "--images", sample.folder, "--count", "2", "-o", tmp_path / "set")
    words = ["--generated", tmp_path / "set", "--images", sample.folder]
    evaluate(*words, "-o", tmp_path / "t.json")
    table = json.loads((tmp_path / "t.json").read_text())
    assert table["pictures"] == 8
    assert table["diversity"] > 0.01
    for number in range(4):
        first = tmp_path / f"set/{number:06d}_sample_00.png"
        (tmp_path / f"set/{number:06d}_sample_01.png").write_bytes(first.read_bytes())
    evaluate(*words, "-o", tmp_path / "u.json")
    assert json.loads((tmp_path / "u.json").read_text())["diversity"] == 0


def test_pictures_of_two_sizes_are_no_set(sample, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for number, side in enumerate((64, 32)):
        Image.new("RGB", (side, side)).save(folder / f"000000_sample_{number:02d}.png")
    with pytest.raises(DataError, match="another size"):
        evaluate("--generated", folder, "--images", sample.images[0])
