"""``lightning-face emovoca build`` and ``plan`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder import build as builder
from lightning_face_emovoca.commands import main
from lightning_face_emovoca.commands.verbs import VERBS

EXPERIMENT = Path(__file__).parents[4] / "experiments" / "emovoca.yaml"


@pytest.fixture
def words(small_settings, tmp_path):
    file = tmp_path / "build.yaml"
    file.write_text(
        f"out: {small_settings.out}\nroot: {small_settings.root}\n"
        f"generator: {small_settings.generator}\nemotions: [Afraid]\nintensities: [1.0, 2.0]\n"
    )
    return ["--config", str(file)]


def test_plan_prints_counts_and_writes_nothing(words, small_settings, capsys):
    assert main(["plan", *words]) == 0
    printed = capsys.readouterr().out
    assert "4, 109 frames" in printed
    assert "8, 218 frames" in printed
    assert "FaceTalk_170725_00137_TA" in printed
    assert "on one core" in printed
    assert not small_settings.out.exists()


def test_build_and_resume(words, small_settings, capsys):
    arguments = ["build", *words, "--workers", "1", "--devices", "cpu"]
    assert main(arguments) == 0
    assert "4 sentences built, 0 found" in capsys.readouterr().out
    assert (small_settings.out / "manifest.jsonl").is_file()
    with pytest.raises(ConfigError, match="is there already: add --resume"):
        main(arguments)
    assert main([*arguments, "--resume"]) == 0
    assert "0 sentences built, 4 found" in capsys.readouterr().out


def test_shards(words, small_settings, capsys):
    arguments = ["build", *words, "--workers", "1", "--devices", "cpu", "--check", "false"]
    assert main([*arguments, "--shard", "2/2"]) == 0
    assert "2 sentences are left to other shards" in capsys.readouterr().out
    assert main([*arguments, "--shard", "1/2"]) == 0
    assert "left to other shards" not in capsys.readouterr().out
    assert (small_settings.out / "manifest.jsonl").is_file()


@pytest.mark.parametrize(
    ("more", "workers", "devices"),
    [
        (["--devices", "cpu", "--workers", "3"], 3, ["cpu"]),
        (["--devices", "cpu"], None, ["cpu"]),
    ],
)
def test_processes_and_devices(words, monkeypatch, more, workers, devices):
    called = []

    def build(*arguments, **_):
        called.append(arguments)
        return builder.BuildReport(0, 0, 0, [])

    monkeypatch.setattr(builder, "build", build)
    assert main(["build", *words, *more]) == 0
    ((_, found, on, _),) = called
    assert found == workers or (workers is None and found >= 1)
    assert on == devices


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--shard", "3/2"], "--shard 3/2: the number of a part"),
        (["--shard", "half"], "--shard half"),
        (["--workers", "-1", "--devices", "cpu"], "--workers -1"),
        (["--devices", "abacus"], "--devices? abacus"),
        (["--storage", "tape"], "storage"),
        (["--unknown", "1"], "unknown"),
    ],
)
def test_wrong_words(words, more, message):
    with pytest.raises(ConfigError, match=message):
        main(["build", *words, *more])


def test_bundled_network_makes_sound_mixtures_of_the_sample(tmp_path, capsys):
    out = tmp_path / "store.zarr"
    words = ["--config", str(EXPERIMENT), "--out", str(out), "--sentences", "[sentence01]"]
    words += ["--actors", "[FaceTalk_170809_00138_TA]", "--workers", "1", "--devices", "cpu"]
    assert main(["build", *words]) == 0
    printed = capsys.readouterr()
    assert "1 sentences built" in printed.out
    assert "the checks found" not in printed.err
    (line,) = (out / "manifest.jsonl").read_text().splitlines()
    checks = json.loads(line)["checks"]
    assert checks["findings"] == []
    assert np.min(checks["measures"]["values"]["lip_correlation"]) > 0.9


def test_every_verb_is_listed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in VERBS)


def test_unknown_verb():
    with pytest.raises(ConfigError, match="emovoca has no verb 'dance'; its verbs are"):
        main(["dance"])
