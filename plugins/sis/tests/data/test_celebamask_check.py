from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.celebamask_layout import IMAGE_FOLDER, MASK_FOLDERS, mask_path
from lightning_face_sis.data.identities import IDENTITY_FILE
from lightning_face_sis.data.prepare import prepare_celebamask


@pytest.mark.parametrize("full", [False, True])
def test_a_good_folder_has_no_problems(small_faces: Path, full: bool) -> None:
    report = CelebAMaskHQDataModule.check(small_faces, full)
    assert report.problems == []
    assert report.counts["train faces"] == 28
    assert report.counts["test faces"] == 2
    assert report.counts["persons"] == 5
    assert report.counts["pictures decoded"] == 30
    assert "skin 30" in report.facts["classes in the pictures decoded"]


def test_the_prepared_layout_is_checked_too(small_faces: Path, tmp_path: Path) -> None:
    prepare_celebamask(small_faces, tmp_path)
    label = next((tmp_path / "test/labels").iterdir())
    Image.fromarray(np.full((64, 64), 77, dtype=np.uint8)).save(label)
    report = CelebAMaskHQDataModule.check(tmp_path)
    assert report.facts["layout"] == "prepared"
    assert [problem.path for problem in report.problems] == [label]
    assert "has the label 77" in report.problems[0].what


def test_every_oddity_is_found(faces_copy: Path) -> None:
    folder = faces_copy / MASK_FOLDERS[0]
    (faces_copy / IDENTITY_FILE).unlink()
    mask_path(folder, 1, "hair").write_bytes(b"")
    mask_path(folder, 2, "beard").touch()
    Image.new("RGB", (64, 64)).save(mask_path(folder, 3, "nose"))
    Image.new("RGB", (32, 32)).save(mask_path(folder, 4, "nose"))
    (faces_copy / IMAGE_FOLDER / "5.jpg").write_text("a letter")
    report = CelebAMaskHQDataModule.check(faces_copy, full=True)
    found = {problem.path.name: (problem.severity, problem.what) for problem in report.problems}
    severities = {name: severity for name, (severity, _) in found.items()}
    assert severities == {
        "00001_hair.png": "warning",
        "00002_beard.png": "warning",
        "00003_nose.png": "note",
        "00004_*.png": "error",
        "5.jpg": "error",
        IDENTITY_FILE: "note",
    }
    assert "black everywhere" in found["00003_nose.png"][1]
    assert report.has_errors


def test_an_unpaired_face_is_an_error(faces_copy: Path) -> None:
    (faces_copy / IMAGE_FOLDER / "5.jpg").unlink()
    report = CelebAMaskHQDataModule.check(faces_copy)
    assert report.has_errors
    assert "names 5.jpg" in report.problems[0].what


def test_no_data_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds neither"):
        CelebAMaskHQDataModule.check(tmp_path)
