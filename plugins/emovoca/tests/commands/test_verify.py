"""The verb that says whether a data set is sound."""

from __future__ import annotations

import shutil

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.commands import main


@pytest.fixture(scope="module")
def sample_store(tmp_path_factory):
    """Three sentences of the sample, mixed by the bundled network."""
    out = tmp_path_factory.mktemp("sample") / "sample.zarr"
    actors = ["FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA", "FaceTalk_170809_00138_TA"]
    build(BuildSettings(out, actors=actors, sentences=["sentence01"], emotions=["Happy", "Angry"]))
    return out


def test_the_sample_is_sound(sample_store, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["verify", str(sample_store), "--report", str(page)]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output == ["18 variants of 3 sentences are sound", f"report: {page}"]
    assert '<span class="status good">sound</span>' in page.read_text()


def test_a_store_that_is_spoilt_is_told_in_a_line_for_each_kind(sample_store, tmp_path, capsys):
    path = tmp_path / "spoilt.zarr"
    shutil.copytree(sample_store, path)
    motion = path / "motion" / "FaceTalk_170728_03272_TA" / "sentence01"
    first, second = motion / "c/0/1/0/0/0", motion / "c/1/1/0/0/0"
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    assert main(["verify", str(path)]) == 1
    output = capsys.readouterr().out.splitlines()
    place = "motion/FaceTalk_170728_03272_TA/sentence01 [Angry, 2]"
    assert any(line.startswith(f"changed: {place} is not what was built") for line in output)
    assert any(line.startswith(f"expression: direction: {place} is ") for line in output)
    kinds = [line.split(" FaceTalk")[0].split(" motion/")[0] for line in output[:-1]]
    assert len(kinds) == len(set(kinds))
    page = path.with_name("spoilt.zarr.verification.html")
    assert output[-1] == f"report: {page}"
    assert "not sound" in page.read_text()


def test_limits_can_be_set(sample_store, tmp_path, capsys):
    page = str(tmp_path / "page.html")
    words = ["verify", str(sample_store), "--report", page]
    assert main([*words, "--limit", "displacement=0.001", "expression_cosine=0.5"]) == 1
    assert "sound is at most 1 mm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "jerk"], "--limit jerk: give NAME=VALUE"),
        (["--limit", "jerk=high"], "--limit jerk=high: give NAME=VALUE"),
        (["--limit", "jerks=3"], "unknown jerks; known are"),
        (["--workers", "0"], "--workers 0: at least 1"),
    ],
)
def test_wrong_words_are_one_line(small_store, words, message):
    with pytest.raises(ConfigError, match=message):
        main(["verify", str(small_store), *words])


def test_a_folder_that_is_no_store(tmp_path):
    with pytest.raises(DataError, match="is no store of emotional talking heads"):
        main(["verify", str(tmp_path)])
