"""Indices of galleries."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.gallery.gallery_index import (
    GalleryEntry,
    GalleryIndex,
    read_index,
    weights_digest,
    write_index,
)
from lightning_face_mars.importer import inference_tensors
from lightning_face_mars.loading import load_person_search


def entry(name, modified=1):
    return GalleryEntry(Path("/pictures", name), 10, modified)


@pytest.fixture
def index():
    entries = (entry("a.jpg"), entry("b ü.jpg"))
    return GalleryIndex("0" * 64, Path("/weights.ckpt"), entries, torch.randn(2, 4))


def test_it_is_read_as_it_was_written(index, tmp_path):
    path = tmp_path / "gallery.idx"
    write_index(index, path)
    found = read_index(path)
    assert (found.weights, found.checkpoint, found.entries) == (
        index.weights,
        index.checkpoint,
        index.entries,
    )
    assert torch.equal(found.features, index.features)


def test_pictures_take_the_place_of_earlier_versions(index):
    fresh = torch.randn(2, 4)
    changed = index.with_pictures([entry("a.jpg", 2), entry("c.jpg")], fresh)
    assert [each.file.name for each in changed.entries] == ["b ü.jpg", "a.jpg", "c.jpg"]
    assert torch.equal(changed.features, torch.cat([index.features[1:], fresh]))
    without = changed.with_pictures((), fresh[:0], [Path("/pictures/b ü.jpg")])
    assert torch.equal(without.features, fresh)


def test_a_search_by_other_weights_is_refused(index):
    index.require("0" * 64, Path("gallery.idx"))
    with pytest.raises(ConfigError, match=r"gallery\.idx was made with other weights"):
        index.require("1" * 64, Path("gallery.idx"))


def test_a_digest_tells_weights_apart(small_network, search_checkpoint):
    whole, search = small_network(), small_network(inference_only=True)
    search.load_state_dict(inference_tensors(whole.state_dict()))
    assert weights_digest(whole) == weights_digest(search)
    assert weights_digest(load_person_search(search_checkpoint).network) == weights_digest(whole)
    with torch.no_grad():
        search.itm_head.bias += 1e-6
    assert weights_digest(search) != weights_digest(whole)
    assert weights_digest(small_network().bfloat16()) != weights_digest(whole)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "there is no index"),
        (lambda path: path.write_bytes(b""), "empty, truncated or no index"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "empty, truncated or no index"),
        (lambda path: save_file({"a": torch.zeros(1)}, path), "no index of a gallery"),
    ],
)
def test_damaged_files(index, tmp_path, damage, message):
    path = tmp_path / "gallery.idx"
    write_index(index, path)
    damage(path)
    with pytest.raises(DataError, match=message) as caught:
        read_index(path)
    assert str(path) in str(caught.value)
