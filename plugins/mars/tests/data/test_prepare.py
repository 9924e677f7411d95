"""The raw file of a data set divided into its parts."""

from __future__ import annotations

import json

import pytest

from lightning_face.errors import DataError
from lightning_face_mars.data.person_layout import LAYOUTS
from lightning_face_mars.data.person_records import read_records
from lightning_face_mars.data.prepare import prepare_persons


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_prepared_files_hold_what_the_raw_one_does(drawn, tmp_path, name):
    layout = LAYOUTS[name]
    (tmp_path / layout.raw_file).write_bytes((drawn / name / layout.raw_file).read_bytes())
    raw = read_records(tmp_path, layout)
    paths = prepare_persons(tmp_path)
    (tmp_path / layout.raw_file).unlink()
    assert read_records(tmp_path, layout) == raw
    rows = {part: json.loads(path.read_text()) for part, path in paths.items()}
    assert all("img_path" not in row for row in rows["train"])
    assert (rows["val"] == []) == (name == "icfg-pedes")


def test_other_fields_are_kept(root):
    (first, *_) = json.loads(prepare_persons(root)["train"].read_text())
    assert first["processed_tokens"][0][1] in ("man", "woman")
    assert list(first) == ["id", "file_path", "captions", "split", "processed_tokens"]


def test_nothing_is_written_of_a_file_with_faults(root):
    rows = json.loads((root / "reid_raw.json").read_text())
    rows[2]["split"] = "training"
    (root / "reid_raw.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match="record 2: split is 'training'"):
        prepare_persons(root)
    assert not (root / "processed_data").exists()
