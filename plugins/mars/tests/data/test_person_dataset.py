"""Samples of training and evaluation, and their batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face_mars.data.image_store import ImageStore
from lightning_face_mars.data.person_dataset import (
    CaptionDataset,
    GalleryDataset,
    PairDataset,
    collate_pairs,
    image_captions,
)
from lightning_face_mars.data.person_records import PersonRecord
from lightning_face_mars.data.transforms import image_tensor
from lightning_face_mars.text.tokenizer import CaptionTokenizer

RECORDS = [
    PersonRecord(30, "0.png", ("A red hat.", "Red")),
    PersonRecord(7, "1.png", ("A tall man in a blue coat",)),
    PersonRecord(30, "2.png", ("A red hat.", "Black shoes and a red hat")),
    PersonRecord(9, "3.png", ("A cat",)),
]
CAPTIONS = [text for record in RECORDS for text in record.captions]
# the length of each mask tells whose it is
MASKS = [[number] * (number + 1) for number in range(len(CAPTIONS))]
SIZE = 8


@pytest.fixture(scope="module")
def tokenizer():
    return CaptionTokenizer(max_words=5)


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    files = []
    for number, record in enumerate(RECORDS):
        file = tmp_path / record.file_path
        pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
        files.append(file)
    return ImageStore(files, SIZE)


@pytest.fixture
def pairs(tokenizer, images):
    def build(swap_probability=0.0, seed=0) -> PairDataset:
        return PairDataset(RECORDS, images, tokenizer, MASKS, swap_probability, seed)

    return build


def test_every_caption_is_a_pair_and_persons_are_counted_as_they_appear(pairs, tokenizer):
    dataset = pairs()
    samples = [dataset[index] for index in range(len(dataset))]
    assert len(samples) == len(CAPTIONS) == 6
    assert dataset.num_identities == 3
    assert [sample["identity"] for sample in samples] == [0, 0, 1, 0, 0, 2]
    assert [Path(s["file"]).name[0] for s in samples] == ["0", "0", "1", "2", "2", "3"]
    for sample, caption in zip(samples, CAPTIONS, strict=True):
        assert sample["ids"].tolist() == tokenizer.encode([caption])[0]


def test_without_swaps_the_second_caption_is_the_first(pairs):
    dataset = pairs(0.0)
    for index in range(len(dataset)):
        sample = dataset[index]
        assert sample["second_ids"].tolist() == sample["ids"].tolist()
        assert sample["attribute_mask"].tolist() == MASKS[index]
        assert sample["replaced"] == 0


def test_a_swap_takes_any_caption_of_the_person_with_its_mask(pairs, tokenizer):
    dataset = pairs(1.0)
    # captions 0, 1, 3 and 4 are of one person; 0 and 3 are the same sentence
    drawn = []
    for epoch in range(200):
        dataset.set_epoch(epoch)
        sample = dataset[0]
        caption = len(sample["attribute_mask"]) - 1
        drawn.append(caption)
        assert sample["second_ids"].tolist() == tokenizer.encode([CAPTIONS[caption]])[0]
        assert sample["replaced"] == int(caption not in (0, 3))
    counts = np.bincount(drawn, minlength=6)
    assert counts[[2, 5]].sum() == 0
    assert counts[[0, 1, 3, 4]].min() > 30


def test_swaps_are_as_frequent_as_told(pairs):
    dataset = pairs(0.1)
    swaps = 0
    for epoch in range(1000):
        dataset.set_epoch(epoch)
        swaps += dataset[1]["replaced"]
    # three of the four captions of the person are another sentence
    assert 40 < swaps < 115


def test_two_views_of_a_picture_are_flipped_apart(pairs, images):
    dataset = pairs()
    plain = image_tensor(images[0])
    seen = set()
    for epoch in range(40):
        dataset.set_epoch(epoch)
        sample = dataset[0]
        views = (sample["image"], sample["second_image"])
        flips = tuple(not torch.equal(view, plain) for view in views)
        seen.add(flips)
        for view, flipped in zip(views, flips, strict=True):
            assert torch.equal(view, plain.flip(-1) if flipped else plain)
    assert len(seen) == 4


def test_a_sample_depends_on_seed_and_epoch_alone(pairs):
    def draws(dataset, epoch):
        dataset.set_epoch(epoch)
        samples = [dataset[index] for index in reversed(range(len(dataset)))]
        return [(sample["image"].sum().item(), sample["replaced"]) for sample in samples]

    assert draws(pairs(0.5), 3) == draws(pairs(0.5), 3)
    assert draws(pairs(0.5), 3) != draws(pairs(0.5), 4)
    assert draws(pairs(0.5), 3) != draws(pairs(0.5, seed=1), 3)


def test_a_batch_is_as_long_as_its_longest_captions(pairs):
    dataset = pairs()
    batch = collate_pairs([dataset[index] for index in (1, 4, 2)])
    shapes = {key: tuple(value.shape) for key, value in batch.items() if key != "files"}
    assert shapes == {
        "images": (3, 3, SIZE, SIZE),
        "second_images": (3, 3, SIZE, SIZE),
        "input_ids": (3, 6),
        "attention_mask": (3, 6),
        "second_input_ids": (3, 6),
        "second_attention_mask": (3, 6),
        "attribute_masks": (3, 5),
        "identities": (3,),
        "replaced": (3,),
    }
    assert batch["attention_mask"].sum(1).tolist() == [2, 6, 6]
    assert batch["attribute_masks"].tolist() == [[1, 1, 0, 0, 0], [4] * 5, [2, 2, 2, 0, 0]]
    assert batch["identities"].dtype == batch["replaced"].dtype == torch.int64
    assert [Path(file).name for file in batch["files"]] == ["0.png", "2.png", "1.png"]


def test_the_gallery_keeps_file_order_and_numbers(images):
    gallery = GalleryDataset(RECORDS, images)
    assert len(gallery) == 4
    assert gallery.identities.tolist() == [30, 7, 30, 9]
    sample = gallery[2]
    assert torch.equal(sample["images"], image_tensor(images[2]))
    assert (sample["identities"], sample["indices"]) == (30, 2)
    assert sample["files"].endswith("2.png")


def test_some_pictures_of_the_gallery_come_as_asked_for(images):
    batches = [*GalleryDataset(RECORDS, images).batches_of([3, 0, 2], batch_size=2)]
    assert [batch["indices"].tolist() for batch in batches] == [[3, 0], [2]]
    assert torch.equal(batches[1]["images"][0], image_tensor(images[2]))


def test_captions_keep_file_order_and_one_length(images, tokenizer):
    captions = CaptionDataset(RECORDS, images, tokenizer)
    assert captions.captions == CAPTIONS
    assert captions.identities.tolist() == [30, 30, 7, 30, 30, 9]
    ids, mask = tokenizer.encode_batch(CAPTIONS, "max_words")
    sample = captions[4]
    assert sample["input_ids"].shape == (5,)
    assert torch.equal(sample["input_ids"], ids[4])
    assert torch.equal(sample["attention_mask"], mask[4])
    assert (sample["captions"], sample["indices"]) == (CAPTIONS[4], 4)
    assert sample["files"].endswith("2.png")


def test_captions_are_listed_with_their_pictures():
    assert image_captions(RECORDS)[1:3] == [(0, "Red"), (1, "A tall man in a blue coat")]
