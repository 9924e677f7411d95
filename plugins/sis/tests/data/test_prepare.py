from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.celebamask_layout import (
    IMAGE_FOLDER,
    MASK_FOLDERS,
    list_raw_faces,
    mask_path,
    read_pose_order,
)
from lightning_face_sis.data.identities import read_persons
from lightning_face_sis.data.prepare import prepare_celebamask


def test_faces_are_merged_and_split(small_faces: Path, tmp_path: Path) -> None:
    prepared = prepare_celebamask(small_faces, tmp_path)
    assert (prepared.train, prepared.test, prepared.written) == (28, 2, 30)
    order = read_pose_order(small_faces)
    faces = list_raw_faces(small_faces)
    for part, numbers in (("train", order[:28]), ("test", order[28:])):
        for folder, suffix in (("images", "jpg"), ("labels", "png")):
            names = {path.name for path in (tmp_path / part / folder).iterdir()}
            assert names == {f"{number}.{suffix}" for number in numbers}
        number = numbers[0]
        label = Image.open(tmp_path / part / "labels" / f"{number}.png")
        assert label.mode == "L"
        np.testing.assert_array_equal(np.asarray(label), np.asarray(faces.masks[number].read()))
        image = tmp_path / part / "images" / f"{number}.jpg"
        assert image.read_bytes() == faces.images[number].read_bytes()
    assert read_persons(tmp_path) == read_persons(small_faces)


def test_faces_can_be_made_smaller(small_faces: Path, tmp_path: Path) -> None:
    prepare_celebamask(small_faces, tmp_path, size=32)
    number = read_pose_order(small_faces)[0]
    label = Image.open(tmp_path / f"train/labels/{number}.png")
    whole = np.asarray(list_raw_faces(small_faces).masks[number].read())
    np.testing.assert_array_equal(np.asarray(label), whole[1::2, 1::2])
    image = Image.open(tmp_path / f"train/images/{number}.jpg")
    original = Image.open(small_faces / IMAGE_FOLDER / f"{number}.jpg")
    smaller = original.resize((32, 32), Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(image, float) - np.asarray(smaller, float)).mean() < 4


def test_what_is_there_is_kept(small_faces: Path, tmp_path: Path) -> None:
    prepare_celebamask(small_faces, tmp_path)
    number = read_pose_order(small_faces)[0]
    image, label = (
        tmp_path / f"train/{name}" for name in (f"images/{number}.jpg", f"labels/{number}.png")
    )
    content = label.read_bytes()
    label.unlink()
    (label.parent / f".{label.name}.x.partial").touch()
    os.utime(image, (1, 1))
    calls: list[tuple[int, int]] = []
    prepared = prepare_celebamask(
        small_faces, tmp_path, progress=lambda *done: calls.append(done), workers=2
    )
    assert prepared.written == 1
    assert label.read_bytes() == content
    assert calls[-1] == (30, 30)
    assert not list(label.parent.glob("*.partial"))


def test_a_folder_of_other_settings_is_refused(small_faces: Path, tmp_path: Path) -> None:
    prepare_celebamask(small_faces, tmp_path, size=32)
    with pytest.raises(ConfigError, match="begun with other settings"):
        prepare_celebamask(small_faces, tmp_path)
    with pytest.raises(ConfigError, match="holds the original"):
        prepare_celebamask(small_faces, small_faces)
    with pytest.raises(ConfigError, match="size 0"):
        prepare_celebamask(small_faces, tmp_path, size=0)
    (tmp_path / "prepared.json").write_text("{")
    with pytest.raises(DataError, match=r"prepared\.json is damaged"):
        prepare_celebamask(small_faces, tmp_path, size=32)


def test_known_oddities_are_counted(
    faces_copy: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = faces_copy / MASK_FOLDERS[0]
    mask_path(folder, 4, "hair").write_bytes(b"")
    mask_path(folder, 4, "beard").touch()
    Image.new("RGB", (64, 64)).save(mask_path(folder, 7, "nose"))
    prepared = prepare_celebamask(faces_copy, tmp_path / "prepared")
    assert prepared.empty == [mask_path(folder, 4, "hair")]
    assert prepared.strange == [mask_path(folder, 4, "beard")]
    assert prepared.blank == [mask_path(folder, 7, "nose")]
    assert len(caplog.records) == 3


def test_damaged_faces_are_named_and_the_others_written(faces_copy: Path, tmp_path: Path) -> None:
    path = mask_path(faces_copy / MASK_FOLDERS[0], 4, "skin")
    content = path.read_bytes()
    path.write_bytes(content[:-30])
    with pytest.raises(DataError, match=r"1 of 30 faces .*00004_skin\.png cannot be read"):
        prepare_celebamask(faces_copy, tmp_path / "prepared")
    path.write_bytes(content)
    assert prepare_celebamask(faces_copy, tmp_path / "prepared").written == 1
