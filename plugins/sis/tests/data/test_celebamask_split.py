"""Lists of faces; test_celebamask_hq.py has the data module that reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_layout import (
    IMAGE_FOLDER,
    MASK_FOLDERS,
    POSE_FILE,
    list_raw_faces,
    mask_path,
    read_pose_order,
)
from lightning_face_sis.data.celebamask_split import list_prepared, split_raw
from lightning_face_sis.data.identities import IDENTITY_FILE, MAPPING_FILE, read_persons


@pytest.fixture
def prepared(tmp_path):
    """Writes faces in the prepared layout."""

    def write(part, images, labels=None):
        for folder, names in (("images", images), ("labels", labels or images)):
            (tmp_path / part / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                stem = name.partition(".")[0]
                path = tmp_path / part / folder / (f"{stem}.png" if folder == "labels" else name)
                Image.new("L", (8, 8)).save(path)
        return tmp_path

    return write


def write_persons(root: Path, persons: dict[int, int]) -> None:
    mapping = "".join(f"{number} {number} {number:06d}.jpg\n" for number in persons)
    (root / MAPPING_FILE).write_text(f"idx orig_idx orig_file\n{mapping}")
    lines = (f"{number:06d}.jpg {person}\n" for number, person in persons.items())
    (root / IDENTITY_FILE).write_text("".join(lines))


def names(pictures) -> list[str]:
    return [each.image.name for each in pictures]


def test_prepared_faces_are_paired_and_in_the_order_of_their_numbers(prepared):
    root = prepared("train", ["10.jpg", "9.png", "100.jpeg", "2.JPG"])
    faces = list_prepared(root, "train")
    assert names(faces) == ["2.JPG", "9.png", "10.jpg", "100.jpeg"]
    assert all(each.label.path.stem == each.image.stem for each in faces)
    assert {each.person for each in faces} == {None}


def test_every_prepared_part_has_its_own_folder(prepared):
    prepared("train", ["1.jpg"])
    root = prepared("test", ["28000.jpg"])
    assert names(list_prepared(root, "train")) == ["1.jpg"]
    assert names(list_prepared(root, "test")) == ["28000.jpg"]


def test_a_missing_part_is_told_with_both_layouts(prepared):
    root = prepared("train", ["1.jpg"])
    with pytest.raises(DataError, match=rf"neither {IMAGE_FOLDER}.*nor test, as .* prepare"):
        list_prepared(root, "test")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (["1.jpg", "2.jpg"], ["1.png"], r"1 picture\(s\) without a label map.*2\.jpg"),
        (["1.jpg"], ["1.png", "3.png"], r"1 label map\(s\) without a picture.*3\.png"),
        (["1.jpg", "1.png"], ["1.png"], r"1\.(png|jpg) and .*1\.(png|jpg) have the same name"),
    ],
)
def test_prepared_files_without_a_partner_are_named(prepared, images, labels, message):
    root = prepared("train", images, labels)
    with pytest.raises(DataError, match=message):
        list_prepared(root, "train")


def test_prepared_faces_show_the_persons_of_the_lists(prepared):
    root = prepared("train", ["1.jpg", "2.jpg"])
    write_persons(root, {1: 7, 2: 5, 3: 5})
    assert [each.person for each in list_prepared(root, "train")] == [7, 5]


@pytest.mark.parametrize("name", ["4.jpg", "somebody.jpg"])
def test_a_face_that_the_lists_do_not_name_is_refused(prepared, name):
    root = prepared("train", ["1.jpg", name])
    write_persons(root, {1: 7})
    with pytest.raises(DataError, match=rf"who is shown do not name .*{name}"):
        list_prepared(root, "train")


@pytest.mark.parametrize("rule", ["pose", "number"])
def test_raw_faces_are_split_by_their_order(small_faces, rule):
    order = read_pose_order(small_faces)
    if rule == "number":
        order = sorted(order)
    faces = list_raw_faces(small_faces)
    parts = split_raw(small_faces, faces, rule)
    wanted = [f"{number}.jpg" for number in order]
    assert (names(parts["train"]), names(parts["test"])) == (wanted[:28], wanted[28:])
    persons = read_persons(small_faces)
    for each in (*parts["train"], *parts["test"]):
        number = int(each.image.stem)
        assert each.label is faces.masks[number]
        assert each.person == persons[number]


def test_the_rules_give_different_tests(small_faces):
    faces = list_raw_faces(small_faces)
    tests = [names(split_raw(small_faces, faces, rule)["test"]) for rule in ("pose", "number")]
    assert tests[0] != tests[1] == ["28.jpg", "29.jpg"]


def lose_masks(root: Path) -> None:
    for path in mask_path(root / MASK_FOLDERS[0], 4, "*").parent.glob("00004_*.png"):
        path.unlink()


def forget_pose(root: Path) -> None:
    lines = (root / POSE_FILE).read_text().splitlines()
    lines = [line for line in lines if not line.startswith("4.jpg")]
    (root / POSE_FILE).write_text("\n".join(["29", *lines[1:]]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / IMAGE_FOLDER / "4.jpg").unlink(), r"names 4\.jpg"),
        (lose_masks, r"4\.jpg has no part mask named 00004_\*\.png"),
        (forget_pose, rf"4\.jpg is not named in {POSE_FILE}"),
        (lambda root: write_persons(root, {1: 7}), "who is shown do not name"),
    ],
)
@pytest.mark.parametrize("rule", ["pose", "number"])
def test_raw_faces_that_are_not_whole_are_refused(faces_copy, damage, message, rule):
    damage(faces_copy)
    with pytest.raises(DataError, match=message):
        split_raw(faces_copy, list_raw_faces(faces_copy), rule)
