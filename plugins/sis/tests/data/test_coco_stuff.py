from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_sis.data.coco_stuff import COCOStuffDataModule

LABELS = np.array([[0, 181], [255, 154]], dtype=np.uint8).repeat(16, 0).repeat(16, 1)
Write = Callable[[Path, Path, np.ndarray], None]


@pytest.fixture
def pictures(tmp_path: Path, write_scene: Write) -> Path:
    for part, numbers in (("train", (9, 25)), ("val", (139,))):
        for number in numbers:
            image = tmp_path / f"{part}_img" / f"{number:012d}.jpg"
            write_scene(image, tmp_path / f"{part}_label" / f"{number:012d}.png", LABELS)
    return tmp_path


def make(root: Path) -> COCOStuffDataModule:
    return COCOStuffDataModule(str(root), load_size=32, crop_size=32, flip=False)


def test_unknown_pixels_are_a_class_of_their_own(pictures: Path) -> None:
    data = make(pictures)
    data.setup("fit")
    labels = data.parts["train"][1]["labels"][0]
    assert labels[::31, ::31].flatten().tolist() == [0, 181, 182, 154]
    assert data.num_classes == len(data.class_names) == 183
    shown = [data.class_names[label] for label in (0, 181, 182, 154)]
    assert shown == ["person", "wood", "unknown", "sea"]


def test_instances_are_mentioned_and_not_read(
    pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (pictures / "train_inst").mkdir()
    with caplog.at_level(logging.INFO):
        make(pictures).setup("fit")
    assert "train_inst are not read: the networks take no instances" in caplog.text


def test_a_missing_folder_is_refused_by_name(pictures: Path) -> None:
    (pictures / "val_label").rename(pictures / "labels")
    with pytest.raises(DataError, match="val_label is not a folder"):
        make(pictures).setup("test")


def test_a_check(pictures: Path, write_scene: Write) -> None:
    report = COCOStuffDataModule.check(pictures)
    assert report.problems == []
    image, label = pictures / "val_img/000000000139.jpg", pictures / "val_label/000000000139.png"
    write_scene(image, label, np.full((8, 8), 190))
    report = COCOStuffDataModule.check(pictures)
    assert [problem.path for problem in report.problems] == [label]
    assert "has the label 190, but there are 183 classes" in report.problems[0].what
