from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.label_map import (
    check_labels,
    class_table,
    label_tensor,
    one_hot_masks,
    read_label_map,
    side_exchange,
)


def test_a_palette_is_read_as_its_indices(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = Image.fromarray(values).convert("P")
    image.putdata(values.flatten().tolist())
    image.putpalette([250 - value for value in range(250)])
    image.save(tmp_path / "label.png")
    read = read_label_map(tmp_path / "label.png")
    assert read.mode == "L"
    np.testing.assert_array_equal(np.asarray(read), values)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "label.png"
    with pytest.raises(DataError, match=r"label\.png does not exist"):
        read_label_map(path)
    path.touch()
    with pytest.raises(DataError, match=r"label\.png cannot be read: the file is empty"):
        read_label_map(path)
    path.write_text("a letter")
    with pytest.raises(DataError, match=r"label\.png cannot be read: not an image"):
        read_label_map(path)
    noise = np.random.default_rng(0).integers(0, 19, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"label\.png cannot be read"):
        read_label_map(path)
    Image.new("RGB", (4, 4)).save(path)
    with pytest.raises(DataError, match=r"label\.png is a picture in mode RGB"):
        read_label_map(path)
    Image.fromarray(np.full((4, 4), 26001, dtype=np.uint16)).save(path)
    with pytest.raises(DataError, match="instance map"):
        read_label_map(path)


@pytest.mark.parametrize(
    ("shifted", "expected"),
    [(False, [0, 1, 150, 150]), (True, [150, 0, 149, 150])],
)
def test_values_become_classes(shifted: bool, expected: list[int]) -> None:
    label = Image.fromarray(np.array([[0, 1, 150, 255]], dtype=np.uint8))
    labels = label_tensor(label, class_table(150, shifted))
    assert labels.dtype == torch.uint8
    assert labels.tolist() == [[expected]]


def test_a_label_of_no_class_is_refused_by_name() -> None:
    labels = torch.tensor([0, 18], dtype=torch.uint8)
    check_labels(labels, 19, "good.png")
    with pytest.raises(DataError, match=r"bad\.png has the label 18, but there are 18 classes"):
        check_labels(labels, 18, "bad.png")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_masks_are_one_where_their_class_is(dtype: torch.dtype) -> None:
    labels = torch.randint(0, 5, (2, 1, 6, 7), generator=torch.Generator().manual_seed(0))
    masks = one_hot_masks(labels.to(dtype), 6)
    assert masks.shape == (2, 6, 6, 7)
    assert masks.dtype == torch.float32
    torch.testing.assert_close(masks.sum(1, keepdim=True), torch.ones(2, 1, 6, 7))
    assert torch.equal(masks.argmax(1, keepdim=True), labels)
    assert masks[:, 5].sum() == 0


def test_masks_need_a_batch_of_label_maps() -> None:
    with pytest.raises(ValueError, match="expected labels"):
        one_hot_masks(torch.zeros(2, 4, 4, dtype=torch.uint8), 3)


def test_exchanging_sides_twice_changes_nothing() -> None:
    table = side_exchange([(4, 5), (8, 9)])
    assert table[[4, 5, 8, 9, 1]].tolist() == [5, 4, 9, 8, 1]
    assert torch.equal(table[table.long()], torch.arange(256, dtype=torch.uint8))
