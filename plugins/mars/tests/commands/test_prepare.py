"""The verb that writes the parts of a data set."""

from __future__ import annotations

import json

import pytest

from lightning_face.errors import DataError
from lightning_face_mars.commands import main
from lightning_face_mars.data.person_layout import RSTPREID
from lightning_face_mars.data.sample import write_sample


def test_the_parts_are_written_and_their_files_told(tmp_path, capsys):
    write_sample(tmp_path, RSTPREID, {"train": 2, "test": 1}, images_each=1)
    assert main(["prepare", str(tmp_path)]) == 0
    files = [tmp_path / "processed_data" / f"{part}.json" for part in ("train", "val", "test")]
    assert capsys.readouterr().out.split() == [str(file) for file in files]
    assert [len(json.loads(file.read_text())) for file in files] == [2, 0, 1]


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds none of reid_raw"):
        main(["prepare", str(tmp_path)])
