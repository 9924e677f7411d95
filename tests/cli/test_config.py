"""Configurations: what is understood, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml


def printed(result) -> dict:
    assert result.status == 0, result.stderr
    return yaml.safe_load(result.stdout)


def test_names_in_a_file_become_class_paths(cli, experiment):
    config = printed(cli("fit", "-c", experiment, "--print_config"))
    assert config["model"]["class_path"] == "lightning_face_toy.ToyModel"
    assert config["data"]["class_path"] == "lightning_face_toy.ToyData"
    assert config["trainer"]["use_distributed_sampler"] is False
    assert config["seed_everything"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--model", "toy-model", "--model.lr", "1e-4"],
        ["--model=toy-model", "--model.init_args.lr=1e-4"],
        ["--model", "ToyModel", "--model.lr=1e-4"],
        ["--model.class_path", "toy-model", "--model.lr=1e-4"],
        ["--model", "{class_path: toy-model, init_args: {lr: 1e-4}}"],
        ["--model", "lightning_face_toy.ToyModel", "--model.lr=1e-4"],
    ],
    ids=" ".join,
)
def test_names_on_the_command_line(cli, words):
    config = printed(cli("fit", *words, "--print_config"))
    assert config["model"]["class_path"] == "lightning_face_toy.ToyModel"
    assert config["model"]["init_args"]["lr"] == 1e-4


@pytest.mark.parametrize("words", [["--model.help", "toy-model"], ["--model.help=toy-model"]])
def test_help_of_a_model_tells_its_arguments(cli, words):
    result = cli("fit", *words)
    assert result.status == 0, result.stderr
    assert "--model.width" in result.stdout
    assert "Number of inputs" in result.stdout


def test_later_files_and_the_command_line_win(cli, experiment, tmp_path):
    second = tmp_path / "second.yaml"
    second.write_text("model:\n  init_args:\n    lr: 0.5\ntrainer:\n  max_epochs: 7\n")
    config = printed(
        cli("fit", "-c", experiment, "-c", second, "--trainer.max_epochs=9", "--print_config")
    )
    assert config["model"]["init_args"]["lr"] == 0.5
    assert config["trainer"]["max_epochs"] == 9
    assert config["trainer"]["log_every_n_steps"] == 1


def callbacks(config: dict) -> list[str]:
    return [item["class_path"].rpartition(".")[2] for item in config["trainer"]["callbacks"]]


def test_callbacks_are_replaced_or_appended(cli, tmp_path):
    first = tmp_path / "first.yaml"
    first.write_text(
        "model: toy-model\ntrainer:\n  callbacks:\n"
        "  - ema\n  - class_path: export-weights\n  - class_path: image-grid\n"
    )
    more = tmp_path / "more.yaml"
    more.write_text("trainer:\n  callbacks+: [Timer]\n")
    other = tmp_path / "other.yaml"
    other.write_text("trainer:\n  callbacks: [Timer]\n")
    config = printed(
        cli("fit", "-c", first, "-c", more, "--trainer.callbacks+=ema", "--print_config")
    )
    assert callbacks(config) == ["EMA", "ExportWeights", "ImageGrid", "Timer", "EMA"]
    config = printed(cli("fit", "-c", first, "-c", other, "--print_config"))
    assert callbacks(config) == ["Timer"]


def test_callbacks_are_appended_to_none(cli, experiment, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("trainer:\n  callbacks+: [ema]\n")
    assert callbacks(printed(cli("fit", "-c", experiment, "-c", more, "--print_config"))) == ["EMA"]
    words = ["--trainer.callbacks+=ema", "--trainer.callbacks.decay=0.5"]
    config = printed(cli("fit", "-c", experiment, *words, "--print_config"))
    assert config["trainer"]["callbacks"][0]["init_args"]["decay"] == 0.5


def test_settings_lost_in_a_change_of_class_are_named(cli, tmp_path):
    path = tmp_path / "exp.yaml"
    path.write_text("model:\n  class_path: toy-model\n  init_args:\n    width: 4\n    lr: 0.5\n")
    words = ["--data", "toy-data", "--trainer.fast_dev_run=true"]
    result = cli("fit", "-c", path, "--model", "other", *words)
    assert result.status == 0, result.stderr
    notes = [line for line in result.stderr.splitlines() if "note:" in line]
    assert len(notes) == 1
    assert "exp.yaml" in notes[0]
    assert notes[0].endswith(": width")


MODEL = "model:\n  class_path: toy-model\n  init_args:\n    "

MISTAKES = {
    "model: toy-modell\n": ["no models plugin named 'toy-modell'", "'toy-model'"],
    "model: broken\n": [
        "lightning-face-toy 0.3",
        "lightning_face_toy_missing:Model",
        "ModuleNotFoundError",
    ],
    "model: not-a-model\n": ["not-a-model", "no subclass of lightning.pytorch.LightningModule"],
    f"{MODEL}widht: 3\n": ["exp.yaml: model.widht", "did you mean 'width'"],
    f"{MODEL}width: wide\n": ["exp.yaml: model.width", "expected int", "wide"],
    f"{MODEL}activation:\n      class_path: torch.nn.Dropout\n      init_args: {{q: 1}}\n": [
        "exp.yaml: model.activation.q",
        "torch.nn.Dropout has no such argument",
    ],
    f"{MODEL}activation:\n      class_path: subprocess.Popen\n": [
        "exp.yaml: model.activation",
        "subprocess.Popen may not be imported",
    ],
    "model: email.message.Message\n": ["exp.yaml: model", "may not be imported"],
    "model: toy-model\ntrainer:\n  max_epoch: 3\n": [
        "exp.yaml: trainer.max_epoch",
        "'max_epochs'",
    ],
    "model: toy-model\ntrianer:\n  max_epochs: 3\n": ["exp.yaml: trianer", "'trainer'"],
    "model: toy-model\ntrainer:\n  max_epochs: many\n": [
        "exp.yaml: trainer.max_epochs",
        "expected int, got many",
    ],
    "model: toy-model\ntrainer:\n  callbacks:\n  - class_path: EarlyStopping\n": [
        "exp.yaml: trainer.callbacks",
        "EarlyStopping needs monitor",
    ],
    "fit:\n  model: toy-model\n": ["exp.yaml", "not under 'fit:'"],
    "model: [toy-model\n": ["exp.yaml: line 2"],
    "just words\n": ["exp.yaml", "key: value"],
    "trainer:\n  max_epochs: 3\n": ["model is missing"],
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text.replace("\n", "; ").strip())
def test_a_mistake_in_a_file_is_one_line_and_status_2(cli, tmp_path, text):
    path = tmp_path / "exp.yaml"
    path.write_text(text)
    result = cli("fit", "-c", path)
    assert result.status == 2
    for part in MISTAKES[text]:
        assert part in result.error
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--model", "toy-model", "--model.widht=3"], ["model.widht", "'width'"]),
        (["--model", "toy-model", "--trainer.max_epoch=3"], ["max_epoch", "'max_epochs'"]),
        (["--modle", "toy-model"], ["--modle", "'model'"]),
        (["--model", "toy-model", "surplus"], ["'surplus'"]),
        (["--model", "os.system"], ["os.system may not be imported"]),
        (["--model", "lightning_face_toy.Absent"], ["has no attribute 'Absent'"]),
        (["-c", "absent.yaml"], ["no configuration file absent.yaml"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_mistake_on_the_command_line_is_one_line_and_status_2(cli, words, parts):
    result = cli("fit", *words)
    assert result.status == 2
    for part in parts:
        assert part in result.error
    assert ".yaml:" not in result.error


def test_debug_shows_the_traceback(cli, tmp_path):
    result = cli("fit", "--debug", "--model", "broken", cwd=Path(tmp_path))
    assert result.status == 2
    assert "Traceback" in result.stderr
    assert "ModuleNotFoundError" in result.stderr
