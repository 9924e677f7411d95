"""The records of a data set."""

from __future__ import annotations

import json
import shutil

import pytest

from lightning_face.errors import DataError
from lightning_face_mars.data.person_layout import CUHK_PEDES, ICFG_PEDES, LAYOUTS, RSTPREID
from lightning_face_mars.data.person_records import PersonRecord, read_records, scan_records

GOOD = {"id": 7, "file_path": "cam_a/7.jpg", "captions": ["A man."], "split": "train"}


def write(root, rows, name="reid_raw.json"):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return root


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_the_raw_file_of_each_data_set_is_read(drawn, name):
    records = read_records(drawn / name, LAYOUTS[name])
    assert [len(records[part]) for part in ("train", "val", "test")] == [
        8,
        0 if name == "icfg-pedes" else 4,
        6,
    ]
    captions = 1 if name == "icfg-pedes" else 2
    for record in records["train"] + records["test"]:
        assert record.image(drawn / name).is_file()
        assert len(record.captions) == captions


def test_records_keep_the_order_of_the_file(tmp_path):
    rows = [{**GOOD, "id": number, "split": "test"} for number in (3, 1, 2)]
    found = read_records(write(tmp_path, rows), CUHK_PEDES)
    assert [record.identity for record in found["test"]] == [3, 1, 2]
    assert found["test"][0] == PersonRecord(3, "cam_a/7.jpg", ("A man.",))


def test_prepared_files_are_read_where_there_is_no_raw_one(tmp_path):
    for part, rows in (("train", [GOOD]), ("val", []), ("test", [{**GOOD, "id": 8}])):
        write(tmp_path, rows, f"processed_data/{part}.json")
    for layout in LAYOUTS.values():
        found = read_records(tmp_path, layout)
        assert [len(found[part]) for part in ("train", "val", "test")] == [1, 0, 1]
    # the raw file comes first
    write(tmp_path, [GOOD, GOOD])
    assert len(read_records(tmp_path, CUHK_PEDES)["train"]) == 2


def test_a_folder_without_any_file_says_what_is_missing(tmp_path):
    message = r"neither ICFG-PEDES\.json nor processed_data/train\.json; get ICFG-PEDES \("
    with pytest.raises(DataError, match=message):
        read_records(tmp_path, ICFG_PEDES)
    write(tmp_path, [GOOD], "processed_data/train.json")
    with pytest.raises(DataError, match=r"nor processed_data/val\.json"):
        read_records(tmp_path, ICFG_PEDES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty, truncated or no JSON"),
        ('[{"id": 1,', "is empty, truncated or no JSON"),
        ('{"id": 1}', "holds no list of records but a dict"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=rf"reid_raw\.json {message}"):
        read_records(write(tmp_path, content), CUHK_PEDES)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "reid_raw.json").write_bytes(b"\xff\xfe[]")
    with pytest.raises(DataError, match=r"reid_raw\.json is empty, truncated or no JSON"):
        read_records(tmp_path, CUHK_PEDES)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a man", "it is a str, not an object with fields"),
        ({"id": "7"}, "id is '7', not a whole number"),
        ({"id": True}, "id is True, not a whole number"),
        ({"file_path": None}, "file_path is None, not a path"),
        ({"file_path": ""}, "file_path is '', not a path"),
        ({"file_path": "/etc/passwd"}, "file_path is '/etc/passwd', which leads out of imgs"),
        ({"file_path": "a/../../b.jpg"}, "file_path is 'a/../../b.jpg', which leads out of imgs"),
        ({"captions": "A man."}, "captions is 'A man.', not a list of sentences"),
        ({"captions": []}, r"captions is \[\], not a list of sentences"),
        ({"captions": ["A man.", 3]}, "captions holds something that is no sentence"),
        ({"split": "dev"}, "split is 'dev', not one of train, val, test"),
    ],
)
def test_a_record_that_cannot_be_used_is_named(tmp_path, row, fault):
    row = row if isinstance(row, str) else {**GOOD, **row}
    root = write(tmp_path, [GOOD, row])
    message = rf"reid_raw\.json holds 1 records that cannot be used: record 1: {fault}"
    with pytest.raises(DataError, match=message):
        read_records(root, CUHK_PEDES)
    found = scan_records(root, CUHK_PEDES)
    assert len(found.records["train"]) == len(found.faults) == 1


def test_many_faults_are_counted_and_the_first_named(tmp_path):
    root = write(tmp_path, [{**GOOD, "id": None}] * 9)
    with pytest.raises(DataError, match=r"9 records .* record 4: id is None[^;]*; \.\.\.;"):
        read_records(root, CUHK_PEDES)
    assert len(scan_records(root, CUHK_PEDES).faults) == 9


def test_prepared_records_are_checked_too(tmp_path):
    row = {key: value for key, value in GOOD.items() if key != "split"}
    for part in ("train", "val", "test"):
        write(tmp_path, [row, {}] if part == "val" else [row], f"processed_data/{part}.json")
    with pytest.raises(DataError, match=r"val\.json holds 1 records .*: record 1: id is None"):
        read_records(tmp_path, RSTPREID)


def test_another_data_set_is_not_taken_for_this_one(drawn, tmp_path):
    shutil.copy(drawn / "rstpreid" / "data_captions.json", tmp_path / "reid_raw.json")
    with pytest.raises(DataError, match="record 0: file_path is None, not a path"):
        read_records(tmp_path, CUHK_PEDES)
