"""Folders of pictures that become galleries."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from lightning_face.data.image_folder import list_images
from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.data.transforms import image_tensor, read_person, square
from lightning_face_mars.gallery.gallery_index import read_index
from lightning_face_mars.gallery.indexing import index_folders
from lightning_face_mars.loading import load_person_search


@pytest.fixture
def loaded(search_checkpoint):
    return load_person_search(search_checkpoint)


@pytest.fixture
def folder(drawn_gallery, tmp_path):
    return Path(shutil.copytree(drawn_gallery / "imgs", tmp_path / "imgs"))


@pytest.fixture
def build(loaded, folder, search_checkpoint, tmp_path):
    path = tmp_path / "gallery.idx"

    def run(**options):
        folders = options.pop("folders", [folder])
        return index_folders(loaded, search_checkpoint, folders, path, batch_size=4, **options)

    return run


def test_features_are_those_of_the_network(build, loaded, folder, tmp_path):
    told = []
    index, report = build(progress=lambda *numbers: told.append(numbers))
    files = [entry.file for entry in index.entries]
    assert files == list_images(folder.resolve())
    assert report.added == len(files) == 14
    assert told == [(4, 14), (8, 14), (12, 14), (14, 14)]
    picture = image_tensor(square(read_person(files[5]), 64))[None]
    with torch.no_grad():
        expected = loaded.network.encode_image(picture)[1][0]
    torch.testing.assert_close(index.features[5], expected, atol=1e-5, rtol=1e-4)
    stored = read_index(tmp_path / "gallery.idx")
    assert torch.equal(stored.features, index.features)
    assert stored.checkpoint == tmp_path / "search.safetensors"


def test_only_what_is_new_or_changed_is_computed(build, folder):
    first, _ = build()
    files = [entry.file for entry in first.entries]
    files[0].unlink()
    shutil.copy(files[1], files[2])
    os.utime(files[2], (1, 1))
    shutil.copy(files[3], folder / "new.jpg")
    second, report = build(earlier=first)
    assert (report.added, report.kept, report.gone) == (2, 12, [files[0]])
    rows = {entry.file: row for entry, row in zip(second.entries, second.features, strict=True)}
    assert files[0] not in rows
    torch.testing.assert_close(rows[files[2]], rows[files[1]])
    torch.testing.assert_close(rows[folder / "new.jpg"], rows[files[3]])
    again, report = build(earlier=second)
    assert (report.added, report.kept, report.gone) == (0, 14, [])
    assert torch.equal(again.features, second.features)


def test_other_folders_stay_in_the_index(build, folder, drawn_gallery):
    first, _ = build()
    subfolder = next(each for each in folder.iterdir() if each.is_dir())
    second, report = build(earlier=first, folders=[subfolder])
    assert len(second.entries) == 14
    assert report.gone == []


def test_work_that_was_stopped_goes_on(build, folder, tmp_path):
    def stop(done, total):
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(save_every=4, progress=stop)
    saved = read_index(tmp_path / "gallery.idx")
    assert len(saved.entries) == 8
    _, report = build(earlier=saved)
    assert (report.added, report.kept) == (6, 8)


def test_what_is_no_picture_is_left_out_and_named(build, folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    index, report = build()
    assert len(index.entries) == 14
    assert len(report.unreadable) == 1
    assert "broken.jpg" in report.unreadable[0]


def test_folders_without_pictures(build, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="holds no image"):
        build(folders=[empty])
    (empty / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="no picture can be read"):
        build(folders=[empty])


def test_an_index_of_other_weights_is_not_extended(build, loaded):
    index, _ = build()
    with torch.no_grad():
        loaded.network.vision_proj.bias += 1
    with pytest.raises(ConfigError, match="other weights"):
        build(earlier=index)
