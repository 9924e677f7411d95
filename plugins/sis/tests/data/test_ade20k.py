from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.ade20k import ADE20KDataModule

VALUES = np.array([[0, 1], [150, 255]], dtype=np.uint8).repeat(16, 0).repeat(16, 1)
Write = Callable[[Path, Path, np.ndarray], None]


@pytest.fixture
def scenes(tmp_path: Path, write_scene: Write) -> Path:
    for part, folder in (("train", "training"), ("val", "validation")):
        for number in (1, 2, 10):
            name = f"ADE_{part}_{number:08d}"
            image = tmp_path / "images" / folder / f"{name}.jpg"
            write_scene(image, tmp_path / "annotations" / folder / f"{name}.png", VALUES)
    write_scene(
        tmp_path / "release_test/1.jpg", tmp_path / "parts/ADE_train_00000001_parts_1.png", VALUES
    )
    return tmp_path


def make(root: Path, **settings: object) -> ADE20KDataModule:
    sizes = {"load_size": 32, "crop_size": 32, "batch_size": 3, "flip": False}
    return ADE20KDataModule(str(root), **(sizes | settings))


@pytest.mark.parametrize(
    ("ade_labels", "classes", "names"),
    [
        ("shifted", [150, 0, 149, 150], {150: "unknown", 0: "wall", 149: "flag"}),
        ("reference", [0, 1, 150, 150], {0: "unknown", 1: "wall", 150: "flag"}),
    ],
)
def test_labels_are_shifted_or_kept(
    scenes: Path, ade_labels: str, classes: list[int], names: dict[int, str]
) -> None:
    data = make(scenes, ade_labels=ade_labels)
    data.setup("fit")
    labels = data.parts["train"][0]["labels"][0]
    assert labels[::31, ::31].flatten().tolist() == classes
    assert data.num_classes == len(data.class_names) == 151
    assert {label: data.class_names[label] for label in names} == names


def test_files_are_told_apart_by_their_names(scenes: Path) -> None:
    data = make(scenes)
    data.setup("fit")
    data.setup("test")
    listed = [picture.image.name for picture in data.parts["train"].pictures]
    assert listed == [f"ADE_train_{number:08d}.jpg" for number in (1, 2, 10)]
    assert all("_val_" in picture.image.name for picture in data.parts["test"].pictures)
    assert next(iter(data.train_dataloader()))["images"].shape == (3, 3, 32, 32)


def test_bad_files_are_refused_by_name(scenes: Path, tmp_path: Path) -> None:
    label = scenes / "annotations/training/ADE_train_00000002.png"
    content = label.read_bytes()
    label.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=label.name):
        make(scenes).setup("fit")
    label.unlink()
    with pytest.raises(DataError, match=r"without a label map.*ADE_train_00000002\.jpg"):
        make(scenes).setup("fit")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/1.jpg").touch()
    with pytest.raises(DataError, match="no file named like ADE_val_"):
        make(tmp_path / "other").setup("test")


def test_there_is_no_third_way() -> None:
    with pytest.raises(ConfigError, match=r"data\.ade_labels 'kept'"):
        ADE20KDataModule(ade_labels="kept")  # type: ignore[arg-type]


def test_a_check(scenes: Path) -> None:
    report = ADE20KDataModule.check(scenes, full=True)
    assert report.problems == []
    assert (report.counts["train pictures"], report.counts["test pictures"]) == (3, 3)
    assert "wall 6" in report.facts["classes in the pictures decoded"]
    assert "unknown 6" in report.facts["classes in the pictures decoded"]
