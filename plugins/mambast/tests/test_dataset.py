from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_mambast.dataset import FixedPairs, RandomPairs, unique_names
from lightning_face_mambast.transforms import to_tensor


def write(folder: Path, count: int, offset: int = 0) -> list[Path]:
    """Pictures of one grey level each, so that a sample tells which files it is made of."""
    folder.mkdir(parents=True)
    paths = [folder / f"{index:02d}.png" for index in range(count)]
    for index, path in enumerate(paths):
        pixels = np.full((20, 24, 3), offset + index, dtype=np.uint8)
        pixels[0, 0] = 255 - index
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def files(tmp_path):
    return write(tmp_path / "content", 7), write(tmp_path / "style", 4, offset=100)


def epochs(dataset: RandomPairs, count: int) -> list[tuple[str, str]]:
    pairs = []
    for epoch in range(count):
        dataset.set_epoch(epoch)
        pairs += [
            (dataset[index]["content_file"], dataset[index]["style_file"])
            for index in range(len(dataset))
        ]
    return pairs


def test_every_picture_comes_once_before_any_comes_again(files):
    contents, styles = files
    pairs = epochs(RandomPairs(contents, styles, 16, 8), 4)
    for stream, paths in zip(zip(*pairs, strict=True), files, strict=True):
        for start in range(0, len(stream) - len(paths) + 1, len(paths)):
            assert sorted(stream[start : start + len(paths)]) == [str(path) for path in paths]
    assert len(set(pairs)) > len(contents) * 2, "pairs change from round to round"


def test_sample_is_a_function_of_seed_epoch_and_index(files):
    first, second = (RandomPairs(*files, 16, 8, seed=3) for _ in range(2))
    for dataset in (first, second):
        dataset.set_epoch(2)
    epochs(second, 1)
    second.set_epoch(2)
    for index in (5, 0, 3):
        assert torch.equal(first[index]["content"], second[index]["content"])
        assert torch.equal(first[index]["style"], second[index]["style"])
    assert epochs(first, 2) != epochs(RandomPairs(*files, 16, 8, seed=4), 2)


def test_sample_has_the_size_of_the_cut_and_names_its_files(files):
    sample = RandomPairs(*files, 16, 8)[0]
    assert sample["content"].shape == sample["style"].shape == (3, 8, 8)
    assert sample["content_file"] in sample["files"]
    assert sample["style_file"] in sample["files"]


def test_file_that_broke_is_replaced_by_the_next_and_reported_once(files, caplog):
    contents, styles = files
    contents[3].write_bytes(b"")
    dataset = RandomPairs(contents, styles, 16, 8)
    with caplog.at_level(logging.WARNING):
        pairs = epochs(dataset, 3)
    assert str(contents[3]) not in {content for content, _ in pairs}
    assert sum(content == str(contents[4]) for content, _ in pairs) == 6
    assert len(caplog.records) == 1
    assert str(contents[3]) in caplog.text


def test_all_files_broken_is_an_error_and_no_endless_search(files):
    contents, styles = files
    for path in styles:
        path.unlink()
    with pytest.raises(DataError, match="none of the 4 style images can be read any more"):
        RandomPairs(contents, styles, 16, 8)[0]


def test_fixed_pairs_decode_every_picture_once(files):
    contents, styles = files
    decoded = []

    def transform(image):
        decoded.append(image.size)
        return to_tensor(image)

    dataset = FixedPairs([(c, s) for c in contents for s in styles], transform)
    samples = [dataset[index] for index in range(len(dataset))]
    assert len(decoded) == len(contents) + len(styles)
    assert len({sample["name"] for sample in samples}) == 28
    assert samples[5]["name"] == "01_stylized_01"
    assert samples[5]["content"][0, 5, 5] * 255 == 1
    assert samples[5]["style"][0, 5, 5] * 255 == 101


def test_fixed_pairs_raise_for_a_broken_file(files):
    contents, styles = files
    contents[0].write_bytes(b"x")
    with pytest.raises(DataError, match=str(contents[0])):
        FixedPairs([(contents[0], styles[0])], to_tensor)[0]


def test_fixed_pairs_can_be_sent_to_a_worker_after_use(files):
    contents, styles = files
    dataset = FixedPairs([(contents[0], styles[0])], to_tensor)
    expected = dataset[0]["content"]
    sent = pickle.loads(pickle.dumps(dataset))  # noqa: S301
    assert torch.equal(sent[0]["content"], expected)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a/x.jpg", "a/y.jpg"], ["x", "y"]),
        (["a/x.jpg", "b/x.jpg", "b/y.jpg"], ["a-x", "b-x", "y"]),
        (["a/c/x.jpg", "b/c/x.jpg"], ["a-c-x", "b-c-x"]),
        (["a/x.jpg", "a/x.png"], ["x-jpg", "x-png"]),
        (["a/x.jpg", "a/x.png", "b/x.jpg"], ["x-1", "x-2", "x-3"]),
    ],
)
def test_names_are_as_short_as_they_can_be_told_apart(files, names):
    assert list(unique_names([Path(file) for file in files]).values()) == names


def test_frozen_pairs_are_the_same_in_every_epoch(files):
    pairs = epochs(RandomPairs(*files, 16, 8, frozen=True), 2)
    assert pairs[:7] == pairs[7:]
