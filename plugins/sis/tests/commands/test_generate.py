from __future__ import annotations

import json

import pytest

from lightning_face.errors import ConfigError


def made(folder):
    return sorted(path.name for path in folder.glob("0*.png"))


def test_pictures_have_the_published_names_and_are_made_once(sca, sample, tmp_path, pixels, capsys):
    words = ["--images", sample.folder, "--batch", "3"]
    assert sca("generate", *words, "-o", tmp_path / "a") == 0
    names = [f"{number:06d}.png" for number in range(4)]
    assert made(tmp_path / "a") == names
    assert (tmp_path / "a/contact_sheet.png").is_file()
    before = pixels(tmp_path / "a/000002.png")
    times = {name: (tmp_path / "a" / name).stat().st_mtime_ns for name in names}
    (tmp_path / "a/000002.png").unlink()
    capsys.readouterr()
    sca("generate", *words, "-o", tmp_path / "a")
    assert "4 of 4 pictures, 1 of them new" in capsys.readouterr().out
    for name in set(names) - {"000002.png"}:
        assert (tmp_path / "a" / name).stat().st_mtime_ns == times[name]
    # alone in its batch it is the same, up to the order of sums
    assert (pixels(tmp_path / "a/000002.png").int() - before.int()).abs().max() <= 1


def test_parts_make_all_pictures_together(sca, sample, tmp_path, pixels, capsys):
    words = ["--images", sample.folder, "--count", "2"]
    sca("generate", *words, "-o", tmp_path / "whole")
    for part, written in ((1, 3), (3, 5), (2, 8)):
        sca("generate", *words, "--shard", f"{part}/3", "-o", tmp_path / "parts")
        assert len(made(tmp_path / "parts")) == written
        assert (tmp_path / "parts/index.html").exists() == (written == 8)
    assert made(tmp_path / "parts")[:2] == ["000000_sample_00.png", "000000_sample_01.png"]
    for name in made(tmp_path / "parts"):
        moved = pixels(tmp_path / "parts" / name).int() - pixels(tmp_path / "whole" / name).int()
        assert moved.abs().max() <= 1
    first, second = (pixels(tmp_path / "whole" / name) for name in made(tmp_path / "whole")[:2])
    assert (first.int() - second.int()).abs().max() > 5


def test_own_styles_can_be_kept(sca, sample, tmp_path, pixels):
    words = ["--images", sample.images[0]]
    sca("generate", *words, "-o", tmp_path / "drawn")
    sca("generate", *words, "--with-style", "-o", tmp_path / "own")
    drawn, own = (pixels(tmp_path / name / "000000.png").int() for name in ("drawn", "own"))
    assert (drawn - own).abs().max() > 5


def test_a_generator_makes_a_set_too(sis, sample, tmp_path):
    assert sis("generate", "--images", sample.folder, "-o", tmp_path) == 0
    assert len(made(tmp_path)) == 4
    assert "steps" not in json.loads((tmp_path / "settings.json").read_text())


def test_a_folder_of_other_settings_is_not_continued(sca, sample, tmp_path):
    words = ["--images", sample.images[0], "-o", tmp_path]
    sca("generate", *words)
    with pytest.raises(ConfigError, match="begun with steps 3, not 4"):
        sca("generate", *words, "--steps", "4")
    with pytest.raises(ConfigError, match="begun with seed 0, not 7"):
        sca("generate", *words, "--seed", "7")
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        sca("generate", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "0/2"], "--shard 0/2"),
        (["--shard", "3/2"], "--shard 3/2"),
        (["--shard", "half"], "--shard half"),
        (["--count", "0"], "--count 0"),
        (["--batch", "0"], "--batch 0"),
    ],
)
def test_wrong_options_are_named(sca, sample, tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        sca("generate", "--images", sample.images[0], *words, "-o", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_label_maps_alone_have_no_styles_to_keep(sca, sample, tmp_path):
    with pytest.raises(ConfigError, match="--images"):
        sca("generate", "--labels", sample.parts, "--with-style", "-o", tmp_path / "o")
