from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lightning_face.cli import run_folder
from lightning_face.errors import CheckpointError


def make_run(base: Path, experiment: str, name: str, age: int, checkpoint: bool = True) -> Path:
    run = base / experiment / name
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").write_text("")
    (run / "command.txt").write_text("")
    if checkpoint:
        path = run / "checkpoints" / "last.ckpt"
        path.write_text("")
        os.utime(path, (1000 - age, 1000 - age))
    return run


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)


def test_a_requeued_job_goes_on_in_its_folder(tmp_path, monkeypatch):
    for job in ("7", "8"):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        monkeypatch.setenv("SLURM_STEP_ID", "0")
        first = run_folder.create(tmp_path, "exp")
        assert first.name.endswith(f"-job{job}.0")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert run_folder.create(tmp_path, "exp") == first
    assert run_folder.create(tmp_path, "other") != first


def test_folders_are_new_and_sort_by_time(tmp_path):
    folders = [run_folder.create(tmp_path, "exp") for _ in range(3)]
    assert len(set(folders)) == 3
    for folder in folders:
        assert folder.is_dir()
        assert folder.parent == tmp_path / "exp"
        assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", folder.name)


def test_the_first_configuration_names_the_experiment(tmp_path):
    configs = [tmp_path / "mine.yaml", tmp_path / "tiny.yaml"]
    assert run_folder.experiment_name(configs, "any.Model") == "mine"


def test_a_saved_configuration_stands_for_its_experiment(tmp_path):
    run = make_run(tmp_path / "runs", "portraits", "a", 0)
    assert run_folder.experiment_name([run / "config.yaml"], None) == "portraits"
    other = tmp_path / "config.yaml"
    other.write_text("")
    assert run_folder.experiment_name([other], None) == "config"


def test_a_model_without_a_registered_name_gives_its_class_name():
    assert run_folder.experiment_name([], "somewhere.else.MyModel") == "mymodel"


def test_last_is_the_newest_checkpoint_of_the_experiment(tmp_path):
    make_run(tmp_path, "exp", "z", age=50)
    newest = make_run(tmp_path, "exp", "a", age=10)
    make_run(tmp_path, "exp", "b", age=0, checkpoint=False)
    make_run(tmp_path, "other", "c", age=0)
    found = run_folder.find_last(tmp_path, "exp")
    assert found == newest / "checkpoints" / "last.ckpt"
    assert run_folder.of_checkpoint(found) == newest
    with pytest.raises(CheckpointError, match="absent"):
        run_folder.find_last(tmp_path, "absent")


def test_a_checkpoint_elsewhere_belongs_to_no_run(tmp_path):
    assert run_folder.of_checkpoint(tmp_path / "some" / "file.ckpt") is None


def test_commands_can_be_typed_again(tmp_path):
    run_folder.record_command(tmp_path, "fit", ["-c", "my file.yaml"])
    run_folder.record_command(tmp_path, "fit", ["--ckpt_path", "last"])
    assert (tmp_path / "command.txt").read_text() == (
        "lightning-face fit -c 'my file.yaml'\nlightning-face fit --ckpt_path last\n"
    )
