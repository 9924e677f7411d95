"""Captions and images, put into the order of their data set."""

from __future__ import annotations

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_mars.evaluation.features import (
    CaptionFeatures,
    ImageFeatures,
    cut_padding,
)


class Encoders:
    """Features that tell which item they are of."""

    def encode_text(self, ids, mask):
        return ids, (ids * mask).sum(dim=1, keepdim=True).float()

    def encode_image(self, images):
        return images.flatten(2), images.mean(dim=(1, 2, 3))[:, None]


def caption_batch(indices):
    lengths = [2 + index % 3 for index in indices]
    mask = (torch.arange(6) < torch.tensor(lengths)[:, None]).long()
    return {
        "input_ids": torch.tensor(indices)[:, None] * mask,
        "attention_mask": mask,
        "identities": torch.tensor(indices) % 4,
        "indices": torch.tensor(indices),
        "captions": [f"caption {index}" for index in indices],
        "files": [f"{index}.jpg" for index in indices],
    }


def image_batch(indices):
    return {
        "images": torch.tensor(indices).float()[:, None, None, None].expand(-1, 3, 4, 4),
        "identities": torch.tensor(indices) % 4,
        "indices": torch.tensor(indices),
        "files": [f"{index}.jpg" for index in indices],
    }


def test_padding_of_all_texts_is_cut():
    ids = torch.arange(12).view(2, 6)
    mask = torch.tensor([[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]])
    assert [each.shape for each in cut_padding(ids, mask)] == [(2, 3), (2, 3)]
    assert cut_padding(ids, mask * 0)[0].shape == (2, 1)


def gathered(batches):
    captions, images = CaptionFeatures(), ImageFeatures()
    for indices in batches:
        captions.add(Encoders(), caption_batch(indices))
        images.add(Encoders(), image_batch(indices))
    return captions.gather(), images.gather(), images


def test_one_process():
    captions, images, added = gathered([[0, 1, 2], [3, 4]])
    assert images.features[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert images.files == captions.files == [f"{index}.jpg" for index in range(5)]
    assert captions.input_ids.shape == (5, 4)
    assert captions.attention_mask.sum(dim=1).tolist() == [2, 3, 4, 2, 3]
    assert captions.captions[3] == "caption 3"
    assert images.identities.tolist() == [0, 1, 2, 3, 0]
    assert images.places.tolist() == images.indices.tolist() == [0, 1, 2, 3, 4]
    assert added.batch_sizes == [3, 2]


def test_nothing():
    captions, images, _ = gathered([])
    assert len(captions.files) == len(images.places) == 0


def share(rank):
    # the second process repeats one of the first
    batches = [[[0, 2], [4]], [[1, 3], [4]]][rank]
    captions, images, _ = gathered(batches)
    return images.features[:, 0], images.files, captions.captions, images.places


@pytest.mark.distributed
def test_two_processes():
    results = run_processes(share)
    for features, files, captions, _ in results:
        assert features.tolist() == [0, 1, 2, 3, 4]
        assert files == [f"{index}.jpg" for index in range(5)]
        assert captions == [f"caption {index}" for index in range(5)]
    assert [places.tolist() for *_, places in results] == [[0, 2, 4], [1, 3, -1]]
