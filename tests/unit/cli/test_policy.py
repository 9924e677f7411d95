from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.cli.policy import Start, refuse_other_run
from lightning_face.errors import CheckpointError, ConfigError, WeightsError


def start(tmp_path: Path, *words: str, text: str = "") -> Start:
    config = tmp_path / "exp.yaml"
    config.write_text(text)
    return Start.read("fit", ["-c", str(config), *words])


def test_words_win_over_files(tmp_path):
    text = "ckpt_path: from-file\ntrainer: {default_root_dir: there}\nmodel: {class_path: a.B}\n"
    assert start(tmp_path, text=text).value("ckpt_path") == "from-file"
    assert start(tmp_path, "--ckpt_path=typed", text=text).value("ckpt_path") == "typed"
    assert start(tmp_path, "--ckpt_path", "null", text=text).value("ckpt_path") is None
    assert start(tmp_path, text=text).base() == Path("there")
    assert start(tmp_path, "--trainer.default_root_dir=here", text=text).base() == Path("here")
    assert start(tmp_path).base() == Path("runs")
    assert start(tmp_path, text=text).model() == "a.B"
    assert start(tmp_path, "--model", "c.D", text=text).model() == "c.D"


def test_model_options_of_the_file_do_not_hinder_resuming(tmp_path):
    checkpoint = tmp_path / "x.ckpt"
    checkpoint.write_text("")
    resumed = start(tmp_path, f"--ckpt_path={checkpoint}", text="model: {class_path: a.B}\n")
    assert resumed.checkpoint(tmp_path, "exp") == checkpoint


def test_a_url_is_never_fetched(tmp_path):
    with pytest.raises(CheckpointError, match="URL"):
        start(tmp_path, "--init_from=s3://bucket/x").weights()


def test_exported_weights_need_their_configuration(tmp_path):
    with pytest.raises(WeightsError, match="lightning-face export"):
        start(tmp_path, f"--init_from={tmp_path}").weights()


@pytest.mark.parametrize(
    ("saved", "current", "key"),
    [
        ({"class_path": "a.B"}, {"class_path": "a.C"}, "model.class_path"),
        ({"init_args": {"x": 1, "y": 2}}, {"init_args": {"x": 1, "y": 3}}, "model.init_args.y"),
        ({"init_args": {"x": 1}}, {"init_args": {"x": 1, "y": 3}}, "model.init_args.y"),
        ({"init_args": {"x": [1]}}, {"init_args": {"x": [1, 2]}}, "model.init_args.x"),
    ],
)
def test_the_first_difference_is_named(saved, current, key):
    with pytest.raises(ConfigError, match=key) as caught:
        refuse_other_run({"model": saved}, {"model": current}, Path("runs/a/b/config.yaml"))
    assert "runs/a/b/config.yaml" in str(caught.value)


def test_the_trainer_may_differ():
    same = {"model": {"class_path": "a.B"}, "data": None}
    refuse_other_run(
        {**same, "trainer": {"max_epochs": 1}}, {**same, "trainer": {"max_epochs": 2}}, Path("x")
    )
