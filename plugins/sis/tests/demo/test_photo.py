from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, Labelling
from lightning_face_sis.demo.photo import example_photos, read_photo

FACES = Labelling(19)


def write(folder, image, label):
    files = LabelledPicture(folder / "face.jpg", LabelFile(folder / "mask.png"))
    image.save(files.image)
    label.save(files.label.path)
    return files


def test_picture_and_mask_get_the_size_of_the_network(tmp_path):
    label = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
    files = write(tmp_path, Image.new("RGB", (200, 200), (200, 10, 90)), label)
    photo = read_photo(files, FACES, (64, 64))
    assert photo.image.size == (64, 64)
    assert np.allclose(np.asarray(photo.image), (200, 10, 90), atol=3)
    assert np.array_equal(photo.labels[8::16, 8::16], np.asarray(label))
    assert photo.labels.shape == (64, 64)


def test_scenes_are_wider_than_high(tmp_path):
    label = Image.fromarray(np.full((50, 100), 3, np.uint8))
    files = write(tmp_path, Image.new("RGB", (100, 50)), label)
    photo = read_photo(files, Labelling(35), (256, 512))
    assert photo.image.size == (512, 256)
    assert photo.labels.shape == (256, 512)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (Image.new("RGB", (100, 100)), "mask.png is a picture in mode RGB, not a label map"),
        (Image.new("L", (100, 100), 19), "mask.png has the label 19, but there are 19 classes"),
        (Image.new("L", (100, 50)), "they do not show the same"),
    ],
)
def test_a_wrong_mask_is_one_sentence(tmp_path, label, said):
    files = write(tmp_path, Image.new("RGB", (100, 100)), label)
    with pytest.raises(DataError, match=said):
        read_photo(files, FACES, (64, 64))


def test_examples_are_test_faces(faces):
    photos = example_photos(faces, 5, (128, 128))
    assert len(photos) == 2
    for photo in photos:
        assert photo.image.size == (128, 128)
        assert photo.labels.shape == (128, 128)
        assert len(np.unique(photo.labels)) > 8
