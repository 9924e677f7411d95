from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

from lightning_face.data import FaceDataModule
from lightning_face.errors import DataError


class Numbers(FaceDataModule):
    sample_name = "numbers"

    def write_sample(self, root: Path) -> None:
        (root / "numbers.txt").write_text("0 1 2 3 4 5 6 7 8 9")

    def setup(self, stage: str) -> None:
        numbers = (self.folder / "numbers.txt").read_text().split()
        self.dataset = TensorDataset(torch.tensor([int(number) for number in numbers]))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))


def test_without_a_root_the_sample_is_used_and_one_line_says_so(caplog):
    data = Numbers(batch_size=4)
    with caplog.at_level(logging.INFO, logger="lightning_face"):
        data.prepare_data()
        data.setup("fit")
    assert len(data.dataset) == 10
    (line,) = caplog.messages
    assert "sample" in line
    assert str(data.folder) in line


def test_a_root_is_read_in_the_same_way(tmp_path, caplog):
    (tmp_path / "numbers.txt").write_text("1 2")
    data = Numbers(root=str(tmp_path))
    data.prepare_data()
    data.setup("fit")
    assert len(data.dataset) == 2
    assert not caplog.messages


def test_a_root_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=str(tmp_path / "nowhere")):
        Numbers(root=str(tmp_path / "nowhere")).setup("fit")


def test_a_class_without_a_sample_says_so():
    class Nothing(FaceDataModule):
        sample_name = "nothing"

    with pytest.raises(DataError, match=r"Nothing has no bundled sample: set data\.root"):
        Nothing().prepare_data()


def test_training_shuffles_full_batches_and_evaluation_sees_all_in_order():
    data = Numbers(batch_size=4)
    data.setup("fit")
    train = [batch[0].tolist() for batch in data.loader(data.dataset, train=True)]
    evaluation = [batch[0].tolist() for batch in data.loader(data.dataset, train=False)]
    assert [len(batch) for batch in train] == [4, 4]
    order = [index for batch in train for index in batch]
    assert order != sorted(order)
    assert evaluation == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_loader_may_have_batches_of_another_size():
    data = Numbers(batch_size=4)
    data.setup("test")
    batches = [batch[0].tolist() for batch in data.loader(data.dataset, False, batch_size=7)]
    assert batches == [[0, 1, 2, 3, 4, 5, 6], [7, 8, 9]]
