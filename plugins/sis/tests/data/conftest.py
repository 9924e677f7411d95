"""A small sample, written once and copied where a test changes it, and files of scenes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face_sis.data.sample import write_sample

FACES, PEOPLE, SIZE = 30, 5, 64


@pytest.fixture(scope="session")
def small_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample, not to be changed."""
    folder = tmp_path_factory.mktemp("faces")
    write_sample(folder, faces=FACES, people=PEOPLE, size=SIZE)
    return folder


@pytest.fixture
def faces_copy(small_faces: Path, tmp_path: Path) -> Path:
    """A copy of the small sample, to be changed."""
    return Path(shutil.copytree(small_faces, tmp_path / "faces"))


@pytest.fixture
def write_scene() -> Callable[[Path, Path, np.ndarray], None]:
    """Writes a grey picture and a label map of its size."""

    def write(image: Path, label: Path, labels: np.ndarray) -> None:
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", labels.shape[::-1], (90, 120, 150)).save(image)
        Image.fromarray(labels.astype(np.uint8)).save(label)

    return write
