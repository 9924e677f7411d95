"""Pictures read from their files, or decoded once."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_mars.data import image_store
from lightning_face_mars.data.image_store import ImageStore, cache_images
from lightning_face_mars.data.transforms import read_person, square


@pytest.fixture
def files(root):
    return sorted((root / "imgs").rglob("*.jpg"))


def test_squares_are_those_of_the_files_with_or_without_a_cache(files, tmp_path):
    plain = ImageStore(files, 24)
    cached = ImageStore(files, 24, cache_images(files, 24, tmp_path))
    assert len(plain) == len(cached) == len(files)
    for index in (0, 3):
        expected = square(read_person(files[index]), 24)
        assert np.array_equal(plain[index], expected)
        assert np.array_equal(cached[index], expected)


def test_pictures_are_decoded_once(files, tmp_path, monkeypatch):
    path = cache_images(files, 24, tmp_path)
    monkeypatch.setattr(image_store, "read_person", lambda file: pytest.fail(str(file)))
    assert cache_images(files, 24, tmp_path) == path
    assert ImageStore(files, 24, path)[0].shape == (24, 24, 3)


def test_another_size_list_or_file_is_decoded_anew(files, tmp_path):
    paths = {cache_images(files, 24, tmp_path), cache_images(files, 16, tmp_path)}
    paths.add(cache_images(files[1:], 24, tmp_path))
    os.utime(files[0], ns=(1, 1))
    paths.add(cache_images(files, 24, tmp_path))
    assert len(paths) == 4
    assert set(tmp_path.glob("*.npy")) == paths


def test_nothing_is_left_of_an_attempt_that_failed(files, tmp_path):
    files[2].write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        cache_images(files, 24, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_store_travels_to_a_worker_without_its_pictures(files, tmp_path):
    store = ImageStore(files, 24, cache_images(files, 24, tmp_path))
    expected = store[1].copy()
    content = pickle.dumps(store)
    assert len(content) < 10_000
    assert np.array_equal(pickle.loads(content)[1], expected)  # noqa: S301
