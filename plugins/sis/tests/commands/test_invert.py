from __future__ import annotations

import re

import pytest

from lightning_face.errors import ConfigError


def test_results_are_compared_with_other_noise_and_the_first_stage(
    sca, sample, tmp_path, capsys, pixels, page
):
    words = ["--images", sample.images[0]]
    assert sca("invert", *words, "--seed", "2", "-o", tmp_path / "a") == 0
    assert len(re.findall(r"PSNR [\d.]+ dB", capsys.readouterr().out)) == 3
    assert page(tmp_path / "a/index.html").titles[2:] == [
        "from its noise",
        "from other noise",
        "first stage alone",
    ]
    start = ["--start", "photograph", "--steps", "3"]
    sca("reconstruct", *words, *start, "-o", tmp_path / "own")
    sca("reconstruct", *words, "--sampler", "ddim", "--seed", "2", "-o", tmp_path / "other")
    for end, name in (("", "own"), ("-other-noise", "other")):
        made, expected = pixels(tmp_path / f"a/0{end}.png"), pixels(tmp_path / name / "0.png")
        assert (made.int() - expected.int()).abs().max() <= 1


def test_a_generator_starts_from_no_noise(sis, sample, tmp_path):
    with pytest.raises(ConfigError, match="invert takes a checkpoint of sca-dm"):
        sis("invert", "--images", sample.images[0], "-o", tmp_path / "o")
