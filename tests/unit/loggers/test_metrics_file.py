from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import pytest

from lightning_face.loggers import MetricsFile


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def logger(tmp_path) -> MetricsFile:
    return MetricsFile(str(tmp_path / "run"))


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "run"


def test_one_row_per_step_and_one_column_per_metric(logger, folder):
    logger.log_metrics({"train/loss": 0.5, "epoch": 0}, step=0)
    logger.log_metrics({"train/loss": 0.25, "epoch": 0}, step=1)
    logger.log_metrics({"val/loss": 2.0, "epoch": 0}, step=1)
    logger.log_metrics({"train/loss": 0.125, "epoch": 1}, step=2)
    assert (folder / "metrics.csv").read_text() == (
        "step,train/loss,epoch,val/loss\n0,0.5,0.0,\n1,0.25,0.0,2.0\n2,0.125,1.0,\n"
    )
    assert [path.name for path in folder.iterdir()] == ["metrics.csv"]


def test_values_keep_all_their_digits(logger, folder):
    logger.log_metrics({"x": 0.1 + 0.2, "y": float("nan")}, step=0)
    assert float(rows(folder)[0]["x"]) == 0.1 + 0.2
    assert rows(folder)[0]["y"] == "nan"


def test_names_with_commas_and_quotes_survive(logger, folder):
    logger.log_metrics({'a "b", c': 1.0}, step=0)
    logger.log_metrics({"d": 1.0}, step=1)
    assert rows(folder)[0]['a "b", c'] == "1.0"


def test_another_process_continues_the_table(logger, folder):
    logger.log_metrics({"loss": 1.0}, step=0)
    other = MetricsFile(str(folder))
    other.log_metrics({"loss": 2.0}, step=1)
    other.log_metrics({"more": 3.0}, step=2)
    assert [row["step"] for row in rows(folder)] == ["0", "1", "2"]


def test_rows_behind_the_resumed_step_are_dropped(logger, folder):
    for step in range(5):
        logger.log_metrics({"loss": float(step)}, step=step)
    other = MetricsFile(str(folder))
    other.drop_after(2)
    assert [row["step"] for row in rows(folder)] == ["0", "1", "2"]
    other.log_metrics({"loss": 9.0}, step=2)
    other.log_metrics({"loss": 3.0}, step=3)
    assert [row["loss"] for row in rows(folder)] == ["0.0", "1.0", "9.0", "3.0"]


def test_dropping_from_a_table_that_does_not_exist_makes_none(logger, folder):
    logger.drop_after(0)
    assert not folder.exists()


def test_half_a_line_is_forgotten(logger, folder):
    logger.log_metrics({"loss": 1.0}, step=0)
    with (folder / "metrics.csv").open("a") as file:
        file.write("1,2.")
    MetricsFile(str(folder)).log_metrics({"loss": 3.0}, step=2)
    assert [row["step"] for row in rows(folder)] == ["0", "2"]


def test_a_killed_process_loses_no_row(logger, folder):
    child = os.fork()
    if child == 0:
        for step in range(10):
            logger.log_metrics({"loss": 1.0, f"column {step % 3}": 1.0}, step=step)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [row["step"] for row in rows(folder)] == [str(step) for step in range(10)]


def test_it_says_where_it_writes(logger, folder):
    assert logger.save_dir == str(folder)
    assert logger.name == "metrics"
