from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_layout import (
    IMAGE_FOLDER,
    MASK_FOLDERS,
    POSE_FILE,
    FaceMasks,
    count_test_faces,
    is_raw,
    list_raw_faces,
    mask_path,
    read_pose_order,
)


@pytest.mark.parametrize("spelling", MASK_FOLDERS)
def test_both_spellings_are_read(faces_copy: Path, spelling: str) -> None:
    (faces_copy / MASK_FOLDERS[0]).rename(faces_copy / spelling)
    faces = list_raw_faces(faces_copy)
    assert is_raw(faces_copy)
    assert sorted(faces.images) == sorted(faces.masks) == list(range(30))
    label = faces.masks[3].read()
    assert label.mode == "L"
    assert {0, 1, 2, 4, 5, 13} <= set(np.unique(np.asarray(label)).tolist())
    assert faces.left_out() == []


def test_two_thousand_faces_share_a_folder() -> None:
    assert mask_path(Path("m"), 1999, "skin") == Path("m/0/01999_skin.png")
    assert mask_path(Path("m"), 29999, "l_eye") == Path("m/14/29999_l_eye.png")


def test_known_oddities_are_counted_and_left_out(faces_copy: Path) -> None:
    folder = faces_copy / MASK_FOLDERS[0]
    mask_path(folder, 4, "hair").write_bytes(b"")
    mask_path(folder, 4, "beard").write_bytes(b"x")
    (folder / "1").mkdir()
    mask_path(folder, 5, "hair").rename(folder / "1" / "00005_hair.png")
    faces = list_raw_faces(faces_copy)
    assert faces.empty == [mask_path(folder, 4, "hair")]
    assert [path.name for path in faces.strange] == ["00004_beard.png", "00005_hair.png"]
    assert "hair" not in faces.masks[4].parts
    assert 13 not in np.asarray(faces.masks[4].read())
    empty, strange = faces.left_out()
    assert empty.startswith("1 mask files are empty and left out: ")
    assert "00004_beard.png" in strange


def test_damaged_masks_are_refused_by_name(faces_copy: Path) -> None:
    masks = list_raw_faces(faces_copy).masks[2]
    path = mask_path(masks.folder, 2, "nose")
    Image.new("RGB", (32, 32)).save(path)
    with pytest.raises(DataError, match=r"00002_nose\.png is 32x32, but .*_.*\.png 64x64"):
        masks.read()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"00002_nose\.png cannot be read"):
        masks.read()
    path.unlink()
    with pytest.raises(DataError, match=r"00002_nose\.png does not exist"):
        masks.read()


def test_a_missing_or_empty_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{IMAGE_FOLDER} is not a folder"):
        list_raw_faces(tmp_path)
    (tmp_path / IMAGE_FOLDER).mkdir()
    with pytest.raises(DataError, match=f"{IMAGE_FOLDER} has no picture"):
        list_raw_faces(tmp_path)
    (tmp_path / IMAGE_FOLDER / "0.jpg").touch()
    with pytest.raises(DataError, match=f"{MASK_FOLDERS[0]} is not a folder"):
        list_raw_faces(tmp_path)
    (tmp_path / MASK_FOLDERS[1]).mkdir()
    with pytest.raises(DataError, match=f"{MASK_FOLDERS[1]} has no mask"):
        list_raw_faces(tmp_path)


def test_faces_without_partner_are_refused_by_name(faces_copy: Path) -> None:
    order = read_pose_order(faces_copy)
    faces = list_raw_faces(faces_copy)
    with pytest.raises(DataError, match=r"/29\.jpg is not named in"):
        faces.check_pairs([number for number in order if number != 29])
    del faces.masks[8]
    with pytest.raises(DataError, match=r"8\.jpg has no part mask named 00008_"):
        faces.check_pairs(order)
    del faces.images[8]
    with pytest.raises(DataError, match=rf"{POSE_FILE} names 8\.jpg"):
        faces.check_pairs(order)


def test_the_pose_file_gives_the_order(tmp_path: Path) -> None:
    path = tmp_path / POSE_FILE
    path.write_text("3\nYaw Pitch Roll\n7.jpg 1 -2.5 3e1\n0.jpg 0 0 0\n\n5.jpg 1 1 1\n")
    assert read_pose_order(tmp_path) == [7, 0, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no face"),
        ("1\nYaw Pitch Roll\nseven 1 2 3\n", r"line 3: expected a file name.*'seven 1 2 3'"),
        ("1\nYaw Pitch Roll\n7.jpg 1 2\n", "line 3: expected a file name and three angles"),
        ("2\nYaw Pitch Roll\n7.jpg 1 2 3\n7.jpg 1 2 3\n", r"line 4: 7\.jpg is named again"),
        ("30000\nYaw Pitch Roll\n7.jpg 1 2 3\n", "announces 30000 faces, but names 1"),
    ],
)
def test_a_damaged_pose_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / POSE_FILE).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_pose_order(tmp_path)
    assert POSE_FILE in str(caught.value)


def test_a_missing_or_binary_pose_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{POSE_FILE} does not exist"):
        read_pose_order(tmp_path)
    (tmp_path / POSE_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=f"{POSE_FILE} cannot be read"):
        read_pose_order(tmp_path)


@pytest.mark.parametrize(("count", "expected"), [(30_000, 2000), (360, 24), (3, 1)])
def test_one_face_in_fifteen_is_for_the_test(count: int, expected: int) -> None:
    assert count_test_faces(count) == expected


def test_the_pattern_names_all_files_of_a_face() -> None:
    assert FaceMasks(Path("m"), 12, ("skin",)).path == Path("m/0/00012_*.png")
