from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data import latent_cache
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.dataset import LabelledImages
from lightning_face_sis.data.latent_cache import LatentCache

WEIGHTS = {"weight": torch.ones(3)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Caches of a test of its own, in files of few pictures."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(latent_cache, "SHARD", 10)


def open_dataset(root, **settings) -> LabelledImages:
    sizes = {"load_size": 32, "crop_size": 32, "flip": False}
    data = CelebAMaskHQDataModule(str(root), **(sizes | settings))
    data.setup("fit")
    return data.parts["train"]


class Encoder:
    """Small pictures; counts what it has encoded."""

    def __init__(self, fails_after: int = 10**6) -> None:
        self.count = 0
        self.fails_after = fails_after

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.count += len(images)
        if self.count > self.fails_after:
            raise KeyboardInterrupt
        return torch.nn.functional.avg_pool2d(images, 4)


def test_latents_are_those_of_the_pictures_whatever_their_order(small_faces):
    dataset = open_dataset(small_faces)
    cache = LatentCache(dataset, WEIGHTS)
    cache.fill(Encoder())
    for rows in ([0, 1], [27, 3, 11]):
        samples = [dataset[row] for row in rows]
        wanted = Encoder()(torch.stack([each["images"] for each in samples]))
        found = cache.read([each["files"] for each in samples])
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_nothing_is_encoded_twice(small_faces):
    first, second = Encoder(), Encoder()
    LatentCache(open_dataset(small_faces), WEIGHTS).fill(first)
    LatentCache(open_dataset(small_faces), WEIGHTS).fill(second)
    assert (first.count, second.count) == (28, 0)


def test_a_run_that_was_stopped_is_taken_up(small_faces):
    dataset = open_dataset(small_faces)
    with pytest.raises(KeyboardInterrupt):
        LatentCache(dataset, WEIGHTS).fill(Encoder(fails_after=15))
    cache, encoder = LatentCache(dataset, WEIGHTS), Encoder()
    cache.fill(encoder)
    # the first file of ten was whole
    assert encoder.count == 18
    assert cache.read([dataset[27]["files"]]).isfinite().all()


def test_processes_share_the_work(small_faces):
    dataset = open_dataset(small_faces)
    counts = []
    for part in range(2):
        LatentCache(dataset, WEIGHTS).fill(encoder := Encoder(), part, 2)
        counts.append(encoder.count)
    assert counts == [18, 10]
    LatentCache(dataset, WEIGHTS).read([dataset[row]["files"] for row in range(28)])


@pytest.mark.parametrize("name", ["added", "renamed"])
def test_the_names_of_weights_count_too(small_faces, name):
    dataset = open_dataset(small_faces)
    other = {"added": {**WEIGHTS, "bias": torch.ones(3)}, "renamed": {"bias": torch.ones(3)}}[name]
    assert LatentCache(dataset, other).folder != LatentCache(dataset, WEIGHTS).folder
    assert LatentCache(dataset, dict(WEIGHTS)).folder == LatentCache(dataset, WEIGHTS).folder


def test_a_missing_picture_is_named(faces_copy):
    dataset = open_dataset(faces_copy)
    path = dataset.pictures[3].image
    path.unlink()
    with pytest.raises(DataError, match=rf"{path.name} is missing"):
        LatentCache(dataset, WEIGHTS)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int64])
def test_weights_of_every_precision_tell_a_folder(small_faces, dtype):
    dataset = open_dataset(small_faces)
    folders = [
        LatentCache(dataset, {"weight": torch.full(shape, value, dtype=dtype)}).folder
        for value, shape in ((1, (3,)), (2, (3,)), (1, ()))
    ]
    assert len(set(folders)) == 3


@pytest.mark.parametrize("change", ["weights", "size", "file", "time"])
def test_other_latents_have_a_place_of_their_own(faces_copy, change):
    before = LatentCache(open_dataset(faces_copy), WEIGHTS).folder
    weights, settings = WEIGHTS, {}
    if change == "weights":
        weights = {"weight": torch.zeros(3)}
    elif change == "size":
        settings = {"load_size": 64, "crop_size": 64}
    else:
        dataset = open_dataset(faces_copy)
        path = dataset.pictures[0].image
        if change == "file":
            path.write_bytes(path.read_bytes() + b"\0")
        os.utime(path, ns=(0, 0))
    assert LatentCache(open_dataset(faces_copy, **settings), weights).folder != before


def test_two_runs_may_compute_the_same_at_once(small_faces):
    caches = [LatentCache(open_dataset(small_faces), WEIGHTS) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda cache: cache.fill(Encoder()), caches))
    files = [each["files"] for each in (caches[0].dataset[row] for row in range(28))]
    assert torch.equal(caches[0].read(files), caches[1].read(files))
    assert sorted(path.name for path in caches[0].folder.iterdir()) == [
        f"{shard:05d}.npy" for shard in range(3)
    ]


@pytest.mark.parametrize("parts", [3, 5])
def test_processes_without_work_wait_for_nothing(small_faces, parts):
    dataset = open_dataset(small_faces)
    counts = []
    for part in range(parts):
        LatentCache(dataset, WEIGHTS).fill(encoder := Encoder(), part, parts)
        counts.append(encoder.count)
    assert counts == [10, 10, 8, *[0] * (parts - 3)]


@pytest.mark.parametrize("content", [b"", b"junk", -1, 100, None])
def test_a_damaged_file_is_made_again(small_faces, content):
    dataset = open_dataset(small_faces)
    cache = LatentCache(dataset, WEIGHTS)
    cache.fill(Encoder())
    path = cache.folder / "00001.npy"
    if content is None:
        np.save(path, np.zeros((3, 3, 8, 8), np.float16))
    elif isinstance(content, int):
        path.write_bytes(path.read_bytes()[:content])
    else:
        path.write_bytes(content)
    again, encoder = LatentCache(dataset, WEIGHTS), Encoder()
    with pytest.raises(DataError, match=r"00001\.npy is missing or damaged"):
        again.read([dataset[12]["files"]])
    again.fill(encoder)
    assert encoder.count == 10


def test_another_picture_is_refused(small_faces):
    cache = LatentCache(open_dataset(small_faces), WEIGHTS)
    with pytest.raises(DataError, match=r"other\.jpg is none of the training pictures"):
        cache.read(["other.jpg"])


@pytest.mark.parametrize("settings", [{"flip": True}, {"load_size": 36}])
def test_pictures_that_change_are_refused(small_faces, settings):
    with pytest.raises(ConfigError, match="the same in every epoch"):
        LatentCache(open_dataset(small_faces, **settings), WEIGHTS)
