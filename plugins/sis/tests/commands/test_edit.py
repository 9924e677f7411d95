from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import find_faces
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES

HAIR = CLASS_NAMES.index("hair")


def read(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def labels(sample):
    return np.asarray(find_faces(sample.images[:1], None)[0].label.read())


def changed(folder, name):
    difference = read(folder / name) - read(folder / "originals/0.png")
    return np.abs(difference).max(axis=2)


@pytest.mark.parametrize("start", ["noise", "photograph"])
def test_only_the_parts_change(sca, sample, tmp_path, labels, start):
    words = ["--images", sample.images[0], "--classes", "hair", "--start", start]
    assert sca("edit", *words, "--references", sample.images[1], "-o", tmp_path) == 0
    change = changed(tmp_path, "0-style-of-1.png")
    hair = labels == HAIR
    # a latent pixel covers four, and the blend goes on for as many
    around = binary_dilation(hair, np.ones((3, 3)), iterations=9)
    assert change[hair].mean() > 5
    assert change[~around].max() == 0


def test_versions_differ_by_their_seed(sca, sample, tmp_path, labels):
    words = ["--images", sample.images[0], "--classes", "hair", "--count", "2", "--seed", "4"]
    sca("edit", *words, "-o", tmp_path)
    first, second = read(tmp_path / "0-0.png"), read(tmp_path / "0-1.png")
    assert np.abs(first - second)[labels == HAIR].mean() > 1


def test_parts_get_another_shape(sca, sample, tmp_path, labels):
    painted = labels.copy()
    painted[:, :20] = HAIR
    folder = tmp_path / "painted"
    folder.mkdir()
    Image.fromarray(painted).save(folder / "0.png")
    words = ["--images", sample.images[0], "--classes", "hair", "--count", "1"]
    sca("edit", *words, "--new-labels", folder, "-o", tmp_path / "o")
    assert changed(tmp_path / "o", "0-0.png")[:, :16].mean() > 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--start", "photograph"], "give --references"),
        (["--count", "0"], "--count 0"),
        (["--strength", "2"], "--strength 2"),
        (["--classes", "antlers"], "antlers"),
    ],
)
def test_wrong_options_are_named(sca, sample, tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        sca("edit", "--images", sample.images[0], "--classes", "hair", *words, "-o", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_a_generator_keeps_no_photograph(sis, sample, tmp_path):
    with pytest.raises(ConfigError, match="edit takes a checkpoint of sca-dm"):
        sis("edit", "--images", sample.images[0], "--classes", "hair", "-o", tmp_path / "o")
