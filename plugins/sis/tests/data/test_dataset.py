from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.dataset import (
    LabelFile,
    LabelledImages,
    LabelledPicture,
    Labelling,
    collate_pictures,
)
from lightning_face_sis.data.transforms import Preprocessing

PREPROCESSING = Preprocessing("resize_and_crop", load_size=40, crop_size=32)
SIDES = Labelling(6, left_right_pairs=((4, 5),))


@pytest.fixture
def picture(tmp_path: Path) -> LabelledPicture:
    """A picture whose left half is class 4 and black, and whose right half class 5 and white."""
    labels = np.full((48, 48), 4, dtype=np.uint8)
    labels[:, 24:] = 5
    Image.fromarray(labels).save(tmp_path / "label.png")
    Image.fromarray((labels - 4) * 255).convert("RGB").save(tmp_path / "image.png")
    return LabelledPicture(tmp_path / "image.png", LabelFile(tmp_path / "label.png"), person=3)


def test_a_sample(picture: LabelledPicture) -> None:
    sample = LabelledImages([picture], PREPROCESSING, SIDES)[0]
    assert sample["images"].shape == (3, 32, 32)
    assert sample["labels"].shape == (1, 32, 32)
    assert sample["labels"].dtype == torch.uint8
    assert sample["files"] == str(picture.image)
    assert sample["persons"].item() == 3
    unknown = LabelledPicture(picture.image, picture.label)
    assert "persons" not in LabelledImages([unknown], PREPROCESSING, SIDES)[0]


@pytest.mark.parametrize("swap_sides", [True, False])
def test_a_mirrored_picture_has_its_sides_exchanged(
    picture: LabelledPicture, swap_sides: bool
) -> None:
    dataset = LabelledImages(
        [picture] * 16, PREPROCESSING, SIDES, mirror=True, swap_sides=swap_sides
    )
    mirrored = 0
    for sample in dataset:
        black_left = bool(sample["images"][0, 0, 0] < 0)
        mirrored += not black_left
        left = sample["labels"][0, 0, 0].item()
        assert left == (4 if black_left or swap_sides else 5)
    assert 3 <= mirrored <= 13


def test_a_sample_depends_on_seed_epoch_and_index_alone(picture: LabelledPicture) -> None:
    settings = {"random": True, "mirror": True, "seed": 5}
    one = LabelledImages([picture] * 4, PREPROCESSING, SIDES, **settings)
    other = LabelledImages([picture] * 4, PREPROCESSING, SIDES, **settings)
    for dataset in (one, other):
        dataset.set_epoch(2)
    first = [one[index]["images"] for index in range(4)]
    again = [other[index]["images"] for index in reversed(range(4))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    one.set_epoch(3)
    assert any(not torch.equal(first[index], one[index]["images"]) for index in range(4))
    frozen = LabelledImages([picture], PREPROCESSING, SIDES, frozen=True, **settings)
    frozen.set_epoch(3)
    assert frozen.epoch == 0


def test_a_label_map_of_other_resolution_fits(picture: LabelledPicture, tmp_path: Path) -> None:
    label = Image.open(picture.label.path).resize((24, 24), Image.Resampling.NEAREST)
    label.save(tmp_path / "label.png")
    for mode in ("resize_and_crop", "scale_shortside_and_crop", "crop"):
        preprocessing = Preprocessing(mode, 40, 32)
        sample = LabelledImages([picture], preprocessing, SIDES, random=True)[0]
        agree = (sample["images"][0] > 0) == (sample["labels"][0] == 5)
        assert agree.float().mean() > 0.95


def test_a_label_map_of_other_shape_is_refused(picture: LabelledPicture, tmp_path: Path) -> None:
    Image.new("L", (48, 40)).save(tmp_path / "label.png")
    with pytest.raises(DataError, match=r"image\.png is 48x48, but its label map .*label\.png"):
        LabelledImages([picture], PREPROCESSING, SIDES)[0]


def test_a_label_of_no_class_is_refused_even_where_it_is_cut_off(
    picture: LabelledPicture, tmp_path: Path
) -> None:
    labels = np.full((48, 48), 4, dtype=np.uint8)
    labels[0, 0] = 6
    Image.fromarray(labels).save(tmp_path / "label.png")
    with pytest.raises(DataError, match=r"label\.png has the label 6"):
        LabelledImages([picture], PREPROCESSING, SIDES)[0]
    labels[0, 0] = 255
    Image.fromarray(labels).save(tmp_path / "label.png")
    with pytest.raises(DataError, match=r"label\.png has the label 6"):
        LabelledImages([picture], PREPROCESSING, SIDES)[0]
    with_unknown = Labelling(6, has_unknown=True)
    assert with_unknown.num_classes == 7
    assert LabelledImages([picture], Preprocessing("crop", crop_size=40), with_unknown)[0]


def test_a_batch_needs_one_size(picture: LabelledPicture, tmp_path: Path) -> None:
    sample = LabelledImages([picture], PREPROCESSING, SIDES)[0]
    batch = collate_pictures([sample, sample])
    assert batch["images"].shape == (2, 3, 32, 32)
    assert batch["persons"].tolist() == [3, 3]
    assert batch["files"] == [str(picture.image)] * 2
    larger = LabelledImages([picture], Preprocessing("none"), SIDES)[0]
    with pytest.raises(DataError, match=r"\(32, 32\) and \(64, 64\)"):
        collate_pictures([sample, larger])
