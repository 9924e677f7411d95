"""A quick look at pictures before a run."""

from __future__ import annotations

import pytest

from lightning_face.errors import DataError
from lightning_face_mars.data.file_check import check_pictures, sort_pictures


@pytest.fixture
def files(root):
    return sorted((root / "imgs").rglob("*.jpg"))


def test_good_pictures_pass(files):
    assert check_pictures(files) == ([], [])


def test_truncated_pictures_are_used_and_others_not(files):
    files[0].write_bytes(files[0].read_bytes()[:2000])
    assert check_pictures(files).truncated == [files[0]]
    files[1].unlink()
    files[2].write_bytes(b"")
    files[3].write_bytes(b"text")
    found = sort_pictures(files)
    assert found.truncated == [files[0]]
    reasons = ["the file does not exist", "the file is empty", "not an image"]
    assert found.bad == list(zip(files[1:4], reasons, strict=True))


def test_bad_pictures_are_counted_and_named(files):
    for file in files[:5]:
        file.unlink()
    message = rf"5 of {len(files)} pictures cannot be read: {files[0]}: the file .*; \.\.\.; get"
    with pytest.raises(DataError, match=message):
        check_pictures(files)
