"""Runs: folders, reproduction, failure, and starting from something that exists."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from lightning_face.checkpoint.safe_load import load_checkpoint


def runs(folder: Path, experiment: str = "exp") -> list[Path]:
    return sorted((folder / "runs" / experiment).iterdir(), key=lambda path: path.stat().st_ctime)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]


def steps(run: Path) -> int:
    return load_checkpoint(run / "checkpoints" / "last.ckpt")["global_step"]


def assert_equal(first: Path, second: Path) -> None:
    one, two = weights(first), weights(second)
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


@pytest.fixture
def trained(cli, experiment, tmp_path):
    result = cli("fit", "-c", experiment)
    assert result.status == 0, result.stderr
    (run,) = runs(tmp_path)
    return run, result


def test_fit_leaves_everything_in_one_folder_and_names_it(trained, tmp_path):
    run, result = trained
    names = {path.name for path in run.iterdir()}
    assert names >= {"config.yaml", "command.txt", "metrics.csv", "tensorboard", "checkpoints"}
    assert "report.html" in names
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {"exp.yaml", "runs"}
    assert (run / "command.txt").read_text() == f"lightning-face fit -c {tmp_path / 'exp.yaml'}\n"
    relative = run.relative_to(tmp_path)
    for made in ("", "/report.html", "/checkpoints/last.ckpt"):
        assert f"{relative}{made}\n" in result.stdout
    assert "Tip" not in result.stderr


def test_the_saved_configuration_says_what_made_it_and_reproduces_it(cli, trained, tmp_path):
    run, _ = trained
    text = (run / "config.yaml").read_text()
    header = [line for line in text.splitlines() if line.startswith("#")]
    for package in ("lightning-face==", "torch==", "lightning==", "jsonargparse=="):
        assert any(line.startswith(f"# {package}") for line in header)
    assert "# lightning-face-toy==0.3" in header
    assert cli("fit", "--config", run / "config.yaml").status == 0
    again = runs(tmp_path)[-1]
    assert again != run
    assert_equal(run, again)
    assert (again / "config.yaml").read_text() == text


def test_a_seed_of_the_command_line_is_saved(cli, experiment, tmp_path):
    cli("fit", "-c", experiment, "--seed_everything=5")
    cli("fit", "-c", experiment)
    first, second = runs(tmp_path)
    assert not torch.equal(weights(first)["net.0.weight"], weights(second)["net.0.weight"])
    cli("fit", "-c", first / "config.yaml")
    assert_equal(first, runs(tmp_path)[-1])


def test_without_a_file_the_experiment_is_named_after_the_model(cli, tmp_path):
    words = ["--model", "toy-model", "--data", "toy-data", "--trainer.fast_dev_run=true"]
    result = cli("fit", *words, "--trainer.default_root_dir=elsewhere")
    assert result.status == 0, result.stderr
    assert (tmp_path / "elsewhere" / "toy-model").is_dir()
    assert not (tmp_path / "runs").exists()


def test_a_checkpoint_callback_of_the_user_replaces_ours(cli, experiment, tmp_path):
    with experiment.open("a") as file:
        file.write(
            "  callbacks:\n  - class_path: ModelCheckpoint\n"
            "    init_args: {monitor: val/loss, filename: best}\n"
        )
    result = cli("fit", "-c", experiment)
    assert result.status == 0, result.stderr
    (run,) = runs(tmp_path)
    names = {path.name for path in (run / "checkpoints").glob("*.ckpt")}
    assert names == {"best.ckpt", "last.ckpt"}


def test_without_a_logger_the_table_of_metrics_remains(cli, experiment, tmp_path):
    assert cli("fit", "-c", experiment, "--trainer.logger=false").status == 0
    (run,) = runs(tmp_path)
    assert (run / "metrics.csv").is_file()
    assert not (run / "tensorboard").exists()


def test_a_failed_run_keeps_its_traceback(cli, experiment, tmp_path):
    result = cli("fit", "-c", experiment, "--model.fail=true")
    assert result.status == 1
    (run,) = runs(tmp_path)
    assert "ValueError: the toy broke" in result.error
    assert str(run / "traceback.txt") in result.error
    assert "the toy broke\nin two lines" in (run / "traceback.txt").read_text()


@pytest.mark.parametrize(
    ("setting", "status", "reason"),
    [
        ("--model.lr=-1", 2, "error: model.lr -1.0 is negative"),
        ("--model.width=-1", 1, "error: RuntimeError: Trying to create tensor with negative"),
    ],
)
def test_what_a_constructor_refuses_is_told_in_its_words(cli, experiment, setting, status, reason):
    result = cli("fit", "--config", experiment, setting)
    assert result.status == status
    assert reason in result.error


def test_an_interrupted_run_ends_with_130(cli, experiment):
    result = cli("fit", "-c", experiment, TOY_INTERRUPT="1")
    assert result.status == 130
    assert "interrupted" in result.error


@pytest.mark.parametrize("verb", ["validate", "test", "predict"])
def test_evaluation_takes_model_and_data_from_the_checkpoint(cli, trained, tmp_path, verb):
    run, _ = trained
    result = cli(verb, "--ckpt_path", run / "checkpoints" / "last.ckpt")
    assert result.status == 0, result.stderr
    assert "untrained" not in result.stderr
    evaluated = runs(tmp_path)[-1]
    assert evaluated != run
    saved = yaml.safe_load((evaluated / "config.yaml").read_text())
    assert saved["ckpt_path"] == str(run / "checkpoints" / "last.ckpt")


def test_a_checkpoint_of_other_sizes_is_one_line(cli, trained):
    run, _ = trained
    checkpoint = run / "checkpoints" / "last.ckpt"
    result = cli("validate", "--ckpt_path", checkpoint, "--model.width=3")
    assert result.status == 1
    assert "size mismatch for net.0.weight" in result.error


def test_untrained_weights_are_pointed_out(cli, experiment):
    result = cli("validate", "-c", experiment)
    assert result.status == 0
    assert "untrained" in result.stderr


class TestResume:
    """``fit --ckpt_path`` goes on with the same run."""

    def test_last_continues_in_the_same_folder(self, cli, experiment, trained, tmp_path):
        run, _ = trained
        result = cli("fit", "-c", experiment, "--ckpt_path", "last", "--trainer.max_epochs=4")
        assert result.status == 0, result.stderr
        assert runs(tmp_path) == [run]
        assert steps(run) == 16
        cli("fit", "-c", experiment, "--trainer.max_epochs=4")
        assert_equal(run, runs(tmp_path)[-1])
        assert len((run / "command.txt").read_text().splitlines()) == 2
        assert yaml.safe_load((run / "config.yaml").read_text())["ckpt_path"] is None

    def test_a_file_is_enough(self, cli, trained, tmp_path):
        run, _ = trained
        checkpoint = run / "checkpoints" / "last.ckpt"
        result = cli("fit", "--ckpt_path", checkpoint, "--trainer.max_epochs=3")
        assert result.status == 0, result.stderr
        assert runs(tmp_path) == [run]
        assert steps(run) == 12

    def test_last_is_the_newest_run_that_has_one(self, cli, experiment, trained, tmp_path):
        cli("fit", "-c", experiment)
        newest = runs(tmp_path)[-1]
        cli("fit", "-c", experiment, "--model.fail=true")
        result = cli("fit", "-c", experiment, "--ckpt_path=last", "--trainer.max_epochs=3")
        assert result.status == 0, result.stderr
        assert steps(newest) == 12

    @pytest.mark.parametrize(
        ("words", "parts"),
        [
            (["--ckpt_path", "absent.ckpt"], ["absent.ckpt"]),
            (["--ckpt_path", "https://example.org/x.ckpt"], ["URL"]),
            (["--ckpt_path", "last", "--model.lr=1"], ["--model.lr", "--init_from"]),
            (["--ckpt_path", "last", "--data.size", "8"], ["--data.size", "no effect"]),
            (["--ckpt_path", "last", "--init_from", "x"], ["--init_from", "one of them"]),
        ],
        ids=lambda value: " ".join(value),
    )
    def test_refused(self, cli, experiment, trained, words, parts):
        result = cli("fit", "-c", experiment, *words)
        assert result.status == 2
        for part in parts:
            assert part in result.error

    def test_last_of_nothing_is_an_error(self, cli, experiment, tmp_path):
        result = cli("fit", "-c", experiment, "--ckpt_path", "last")
        assert result.status == 2
        assert "runs/exp" in result.error
        assert not (tmp_path / "runs").exists()

    def test_another_configuration_is_refused_by_its_first_key(self, cli, experiment, trained):
        experiment.write_text(
            experiment.read_text().replace(
                "toy-data", "{class_path: toy-data, init_args: {size: 8}}"
            )
        )
        result = cli("fit", "-c", experiment, "--ckpt_path", "last")
        assert result.status == 2
        assert "data.init_args.size is 8 here but 16" in result.error
        assert "config.yaml" in result.error

    def test_a_checkpoint_of_another_class_is_refused(self, cli, trained, tmp_path):
        run, _ = trained
        path = tmp_path / "evil.ckpt"
        content = load_checkpoint(run / "checkpoints" / "last.ckpt")
        content["hyper_parameters"]["_class_path"] = "subprocess.Popen"
        torch.save(content, path)
        result = cli("validate", "--model", "toy-model", "--data", "toy-data", "--ckpt_path", path)
        assert result.status == 2
        assert "subprocess.Popen" in result.error


class TestInitFrom:
    """``--init_from`` starts something new from exported weights."""

    @pytest.fixture
    def exported(self, cli, trained, tmp_path):
        run, _ = trained
        folder = tmp_path / "exported"
        result = cli("export", run / "checkpoints" / "last.ckpt", "-o", folder)
        assert result.status == 0, result.stderr
        assert (folder / "weights.safetensors").is_file()
        return folder

    @pytest.mark.parametrize("verb", ["validate", "test", "predict"])
    def test_evaluation_needs_no_model_configuration(self, cli, exported, verb):
        result = cli(verb, "--init_from", exported, "--data", "toy-data")
        assert result.status == 0, result.stderr
        assert "untrained" not in result.stderr

    def test_training_starts_from_the_weights(self, cli, exported, trained, tmp_path):
        run, _ = trained
        words = ["--init_from", exported, "--data", "toy-data", "--model.lr=0"]
        result = cli("fit", *words, "--trainer.max_epochs=1")
        assert result.status == 0, result.stderr
        (started,) = runs(tmp_path, "toy-model")
        assert_equal(run, started)
        config = yaml.safe_load((started / "config.yaml").read_text())
        assert config["init_from"] == str(exported)

    def test_another_shape_is_one_line(self, cli, exported):
        words = ["--init_from", exported, "--data", "toy-data", "--model.width=3"]
        result = cli("validate", *words)
        assert result.status == 2
        assert "net.0.weight has shape (1, 4)" in result.error
        assert "(1, 3)" in result.error

    def test_another_class_is_one_line(self, cli, exported):
        result = cli("validate", "--init_from", exported, "--model", "other")
        assert result.status == 2
        assert "holds weights of lightning_face_toy.ToyModel" in result.error

    def test_a_folder_without_weights_is_one_line(self, cli, tmp_path):
        result = cli("validate", "--init_from", tmp_path)
        assert result.status == 2
        assert "lightning-face export" in result.error
