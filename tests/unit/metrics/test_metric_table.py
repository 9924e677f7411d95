from __future__ import annotations

import pytest
import torch
from torchmetrics import MeanMetric

from lightning_face.errors import ConfigError, WeightsError
from lightning_face.metrics import MetricTable, WeightFile

FILES = [WeightFile(f"{name}.pth", f"https://example.org/{name}", f"{name}-1.pth") for name in "ab"]


def build(folder):
    return {"first": MeanMetric(), "second": MeanMetric()}


def test_metrics_whose_files_are_there_are_made(tmp_path):
    for name in ("a.pth", "b-1.pth"):
        (tmp_path / name).touch()
    table = MetricTable(tmp_path)
    table.add_weighted(["first", "second"], FILES, build)
    assert list(table.metrics) == ["first", "second"]
    assert table.explain_missing() is None


def test_rows_without_their_files_say_what_to_get(tmp_path):
    (tmp_path / "a.pth").touch()
    table = MetricTable(tmp_path)
    table.add_weighted(["first", "second"], FILES, build)
    table.add_weighted(["third"], FILES[:1], lambda folder: {"third": MeanMetric()})
    assert list(table.metrics) == ["third"]
    explanation = table.explain_missing()
    assert explanation.startswith("left out of the table: first, second needs ")
    assert explanation.endswith(
        "b.pth is missing: download https://example.org/b and save it there"
    )


def test_without_a_folder_all_files_are_named():
    table = MetricTable(None)
    table.add_weighted(["first", "second"], FILES, build)
    assert table.metrics == {}
    assert table.explain_missing("--weights") == (
        "left out of the table: first, second needs a.pth, b.pth; put the files into a folder and "
        "give it as --weights"
    )
    assert table.explain_missing().endswith("give it as model.metric_weights")


def test_what_is_wrong_with_a_file_is_not_hidden(tmp_path):
    (tmp_path / "a.pth").touch()

    def refuse(folder):
        raise WeightsError(f"{folder / 'a.pth'} is no network")

    with pytest.raises(WeightsError, match=r"a\.pth is no network"):
        MetricTable(tmp_path).add_weighted(["first"], FILES[:1], refuse)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"folder of metric weights .*nowhere does not exist"):
        MetricTable(tmp_path / "nowhere")


@pytest.fixture
def table(tmp_path):
    for file in FILES:
        (tmp_path / file.name).touch()
    table = MetricTable(tmp_path)
    table.add_weighted(["first", "second"], FILES, build)
    return table


def test_all_metrics_are_moved(table):
    assert table.to(torch.device("meta")) is table
    assert {metric.device.type for metric in table.metrics.values()} == {"meta"}


def test_all_metrics_are_reset(table):
    for metric in table.metrics.values():
        metric.update(torch.tensor(3.0))
    table.reset()
    assert not any(metric.update_called for metric in table.metrics.values())
