from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.errors import DataError
from lightning_face_sis.data.identities import IDENTITY_FILE, MAPPING_FILE, read_persons

MAPPING = "idx orig_idx orig_file\n0   119613  119614.jpg\n1   99094   099095.jpg\n"
IDENTITIES = "099095.jpg 2880\n119614.jpg 17\n000001.jpg 5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / MAPPING_FILE).write_text(MAPPING)
    (tmp_path / IDENTITY_FILE).write_text(IDENTITIES)
    return tmp_path


def test_pictures_are_traced_to_persons(folder: Path) -> None:
    assert read_persons(folder) == {0: 17, 1: 2880}


@pytest.mark.parametrize("name", [MAPPING_FILE, IDENTITY_FILE])
def test_without_one_of_the_files_nobody_is_known(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert read_persons(folder) == {}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (IDENTITY_FILE, "099095.jpg 2880\n", r"does not name 119614\.jpg"),
        (IDENTITY_FILE, "099095.jpg\n", "expected 2 columns, got '099095.jpg'"),
        (IDENTITY_FILE, "099095.jpg Ann\n119614.jpg 1\n", "expected a number, got 'Ann'"),
        (IDENTITY_FILE, "", "is empty"),
        (MAPPING_FILE, "idx orig_idx orig_file\n0 119613\n", "expected 3 columns"),
        (MAPPING_FILE, "idx orig_idx orig_file\n", "is empty"),
    ],
)
def test_a_damaged_file_is_refused_by_name(
    folder: Path, name: str, text: str, message: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_persons(folder)
    assert name in str(caught.value)
