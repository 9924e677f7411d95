from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.cityscapes import CityscapesDataModule

LABELS = np.full((32, 64), 7, dtype=np.uint8)
Write = Callable[[Path, Path, np.ndarray], None]


@pytest.fixture
def streets(tmp_path: Path, write_scene: Write) -> Path:
    for part, city, count in (("train", "aachen", 2), ("train", "ulm", 1), ("val", "lindau", 1)):
        for frame in range(count):
            name = f"{city}_{frame:06d}_000019"
            image = tmp_path / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png"
            folder = tmp_path / "gtFine" / part / city
            write_scene(image, folder / f"{name}_gtFine_labelIds.png", LABELS)
            write_scene(image, folder / f"{name}_gtFine_instanceIds.png", LABELS)
    return tmp_path


def test_pictures_are_twice_as_wide_as_high(streets: Path) -> None:
    data = CityscapesDataModule(str(streets), crop_size=128, batch_size=2)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch["images"].shape == (2, 3, 64, 128)
    assert batch["labels"].shape == (2, 1, 64, 128)
    assert batch["labels"].unique().tolist() == [7]
    assert data.num_classes == len(data.class_names) == 35
    assert data.class_names[7] == "road"
    assert len(data.parts["train"]) == 3
    assert len(data.parts["validation"]) == 1


def test_pictures_and_label_maps_pair_by_city_sequence_and_frame(streets: Path) -> None:
    label = streets / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
    label.rename(label.with_name("ulm_000001_000019_gtFine_labelIds.png"))
    data = CityscapesDataModule(str(streets))
    with pytest.raises(DataError, match="ulm_000001_000019_gtFine_labelIds"):
        data.setup("fit")


def test_a_label_of_no_class_and_an_instance_map_are_refused(streets: Path) -> None:
    label = streets / "gtFine/val/lindau/lindau_000000_000019_gtFine_labelIds.png"
    data = CityscapesDataModule(str(streets))
    Image.fromarray(np.full((32, 64), 255, dtype=np.uint8)).save(label)
    with pytest.raises(DataError, match=r"labelIds\.png has the label 35"):
        data.setup("test")
    Image.fromarray(np.full((32, 64), 26001, dtype=np.uint16)).save(label)
    with pytest.raises(DataError, match=r"labelIds\.png has 16 bits.*instance map"):
        data.setup("test")


def test_a_check(streets: Path) -> None:
    report = CityscapesDataModule.check(streets)
    assert report.problems == []
    assert report.counts["train pictures"] == 3
    with pytest.raises(DataError, match="gtFine/train is not a folder"):
        CityscapesDataModule.check(streets / "gtFine")


def test_licence_plates_may_be_no_class(streets: Path) -> None:
    data = CityscapesDataModule(str(streets), license_plate=False)
    assert data.num_classes == len(data.class_names) == 34
    assert "license plate" not in data.class_names
