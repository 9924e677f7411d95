"""What all data modules share; test_celebamask_hq.py has batches, resuming and damaged files."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data import labelled_images
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, Labelling
from lightning_face_sis.data.labelled_images import LabelledImagesDataModule
from lightning_face_sis.data.transforms import Preprocessing

TRAIN, TEST, SIDE = 7, 5, 12


class Squares(LabelledImagesDataModule):
    """Pictures of one colour each, some of which have a class that there is not."""

    def __init__(self, folder, preprocessing=None, odd=(), **settings):
        defaults = {"flip": True, "swap_sides_on_flip": False, "val_images": 3, "batch_size": 2}
        super().__init__(
            root=str(folder),
            preprocessing=preprocessing or Preprocessing("resize_and_crop", 10, 8),
            labelling=Labelling(2),
            class_names=("left", "right"),
            num_workers=0,
            seed=0,
            **(defaults | settings),
        )
        self.odd = odd
        self.asked = []
        self.counts = {"train": TRAIN, "test": TEST}

    def list_pictures(self, parts):
        self.asked.append(tuple(parts))
        return {
            part: [self.write(part, each) for each in range(self.counts[part])] for part in parts
        }

    def write(self, part, number):
        image, label = (self.folder / f"{part}-{number}.{end}" for end in ("jpg", "png"))
        labels = np.zeros((SIDE, SIDE), np.uint8)
        labels[:, SIDE // 2 :] = 7 if (part, number) in self.odd else 1
        Image.new("RGB", (SIDE, SIDE), (20 * number, 100, 0)).save(image)
        Image.fromarray(labels).save(label)
        return LabelledPicture(image, LabelFile(label))


def trainer(**settings):
    return SimpleNamespace(**{"is_global_zero": True, "overfit_batches": 0.0, **settings})


@pytest.mark.parametrize(
    ("stage", "asked", "expected"),
    [
        ("fit", ("train", "test"), {"train": TRAIN, "validation": 3}),
        ("validate", ("test",), {"validation": 3}),
        ("test", ("test",), {"test": TEST}),
        ("predict", ("test",), {"test": TEST}),
    ],
)
def test_a_stage_reads_what_it_needs(tmp_path, stage, asked, expected):
    data = Squares(tmp_path)
    data.setup(stage)
    assert data.asked == [asked]
    assert {part: len(dataset) for part, dataset in data.parts.items()} == expected


@pytest.mark.parametrize(("wanted", "found"), [(1, 1), (TEST, TEST), (100, TEST)])
def test_the_first_test_pictures_are_validated(tmp_path, wanted, found):
    data = Squares(tmp_path, val_images=wanted)
    data.setup("validate")
    pictures = data.parts["validation"].pictures
    assert [each.image.name for each in pictures] == [f"test-{n}.jpg" for n in range(found)]


def test_only_training_pictures_are_cut_mirrored_and_shuffled(tmp_path):
    data = Squares(tmp_path)
    data.setup("fit")
    data.setup("test")
    train, validation = data.parts["train"], data.parts["validation"]
    assert (train.random, train.mirror, train.preprocessing.load_size) == (True, True, 10)
    for dataset in (validation, data.parts["test"]):
        assert (dataset.random, dataset.mirror, dataset.preprocessing.load_size) == (
            False,
            False,
            8,
        )
        assert dataset.is_deterministic
    assert train[0]["images"].shape == validation[0]["images"].shape == (3, 8, 8)
    for loader in (data.val_dataloader(), data.test_dataloader(), data.predict_dataloader()):
        files = [file for batch in loader for file in batch["files"]]
        assert files == sorted(files)
    files = [file for batch in data.train_dataloader() for file in batch["files"]]
    assert files != sorted(files)


def test_a_run_that_overfits_draws_the_same_in_every_epoch(tmp_path):
    for batches, same in ((1, True), (0.0, False)):
        data = Squares(tmp_path)
        data.trainer = trainer(overfit_batches=batches)
        data.setup("fit")
        dataset = data.parts["train"]
        seen = []
        for epoch in range(8):
            dataset.set_epoch(epoch)
            seen.append(dataset[0]["labels"])
        assert all(torch.equal(each, seen[0]) for each in seen) is same


@pytest.mark.parametrize("odd", [("train", 0), ("train", TRAIN - 1), ("test", 1)])
def test_a_value_of_no_class_is_found_before_the_run(tmp_path, odd):
    with pytest.raises(DataError, match=rf"{odd[0]}-{odd[1]}\.png has the label"):
        Squares(tmp_path, odd=[odd]).setup("fit")


def test_of_many_label_maps_some_are_looked_at_from_the_first_to_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(labelled_images, "_DECODED", 3)
    looked = []
    check = labelled_images.LabelledImages.check_classes

    def watch(self, label, path):
        looked.append(path.name)
        check(self, label, path)

    monkeypatch.setattr(labelled_images.LabelledImages, "check_classes", watch)
    Squares(tmp_path).setup("test")
    assert looked == ["test-0.png", "test-2.png", "test-4.png"]


def test_a_part_without_pictures_is_refused(tmp_path):
    data = Squares(tmp_path)
    data.counts["test"] = 0
    with pytest.raises(DataError, match="there is no picture"):
        data.setup("fit")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"val_images": 0}, "data.val_images 0 is not positive"),
        (
            {"preprocessing": Preprocessing("scale_width_and_crop", 8, 9)},
            "data.crop_size 9 is larger than data.load_size 8",
        ),
    ],
)
def test_settings_without_a_meaning_are_refused(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        Squares(tmp_path, **settings)


@pytest.mark.parametrize("mode", ["resize", "crop", "fixed", "none"])
def test_a_mode_without_both_sizes_does_not_compare_them(tmp_path, mode):
    assert Squares(tmp_path, Preprocessing(mode, 8, 9)).num_classes == 2


@pytest.mark.parametrize(
    ("given", "lines"),
    [(None, 1), (trainer(is_global_zero=True), 1), (trainer(is_global_zero=False), 0)],
)
def test_one_process_reports(tmp_path, caplog, given, lines):
    data = Squares(tmp_path)
    data.trainer = given
    with caplog.at_level(logging.WARNING):
        data.report(logging.WARNING, "%s files are strange", 2)
    assert [each.getMessage() for each in caplog.records] == ["2 files are strange"] * lines
