"""Samples of training and evaluation, and how they become batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from lightning_face.data import sample_generator
from lightning_face_mars.data.image_store import ImageStore
from lightning_face_mars.data.person_records import PersonRecord
from lightning_face_mars.data.transforms import image_tensor
from lightning_face_mars.text.tokenizer import CaptionTokenizer, pad_rows

__all__ = ["CaptionDataset", "GalleryDataset", "PairDataset", "collate_pairs", "image_captions"]

Sample = dict[str, Any]


def image_captions(records: Sequence[PersonRecord]) -> list[tuple[int, str]]:
    """List every caption with the number of its picture, in the order of the file.

    Args:
        records: The pictures.
    """
    return [(image, text) for image, record in enumerate(records) for text in record.captions]


class PairDataset(Dataset[Sample]):
    """Every pair of picture and caption, with a second view and a second caption of the person.

    Args:
        records: Pictures of the training part.
        images: Their squares, in the same order.
        tokenizer: Makes the ids of the captions.
        attribute_masks: Attributes of every caption, in the order of the file.
        swap_probability: How often the second caption is one of all of that person's.
        seed: Seed of flips and swaps.

    Attributes:
        num_identities: Number of persons.

    Source:
        RaSa (IJCAI 2023), weak positive pairs.
    """

    def __init__(
        self,
        records: Sequence[PersonRecord],
        images: ImageStore,
        tokenizer: CaptionTokenizer,
        attribute_masks: Sequence[Sequence[int]],
        swap_probability: float,
        seed: int,
    ) -> None:
        pairs = image_captions(records)
        self.images = images
        self.swap_probability = swap_probability
        self.seed = seed
        self.epoch = 0
        self._image_of = [image for image, _ in pairs]
        self._captions = [text for _, text in pairs]
        # arrays, since worker processes would end up with copies of all numbers of a list
        self._ids = _arrays(tokenizer.encode(self._captions))
        self._masks = _arrays(attribute_masks)
        # identities are counted in the order in which persons appear
        labels: dict[int, int] = {}
        self._label_of = [
            labels.setdefault(records[image].identity, len(labels)) for image, _ in pairs
        ]
        self._captions_of: list[list[int]] = [[] for _ in labels]
        for caption, label in enumerate(self._label_of):
            self._captions_of[label].append(caption)
        self.num_identities = len(labels)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self._captions)

    def set_epoch(self, epoch: int) -> None:
        """Select the epoch whose flips and swaps are drawn.

        Args:
            epoch: Number of the epoch, from 0.
        """
        self.epoch = epoch

    def __getitem__(self, index: int) -> Sample:
        """Return one pair.

        Args:
            index: Number of the caption, in the order of the file.
        """
        draws = torch.rand(4, generator=sample_generator(self.seed, self.epoch, index)).tolist()
        label = self._label_of[index]
        second = index
        if draws[0] < self.swap_probability:
            own = self._captions_of[label]
            second = own[int(draws[1] * len(own))]
        image = self._image_of[index]
        pixels = self.images[image]
        return {
            "image": image_tensor(pixels, flip=draws[2] < 0.5),
            "second_image": image_tensor(pixels, flip=draws[3] < 0.5),
            "ids": self._ids[index],
            "second_ids": self._ids[second],
            "attribute_mask": self._masks[second],
            "identity": label,
            "replaced": int(self._captions[second] != self._captions[index]),
            "file": str(self.images.files[image]),
        }


def _arrays(rows: Sequence[Sequence[int]]) -> list[NDArray[np.int32]]:
    return [np.array(row, dtype=np.int32) for row in rows]


def collate_pairs(samples: Sequence[Sample]) -> dict[str, Any]:
    """Make a batch of training pairs.

    Args:
        samples: Samples of `PairDataset`.

    Returns:
        ``images`` and ``second_images`` ``(batch, 3, size, size)``; ``input_ids`` and
        ``attention_mask`` of the first captions ``(batch, ids)``, ``second_input_ids``,
        ``second_attention_mask`` and ``attribute_masks`` of the second ones, each as long as the
        longest; ``identities`` and ``replaced`` ``(batch)``; ``files``.
    """
    ids, attention = pad_rows([sample["ids"] for sample in samples])
    second_ids, second_attention = pad_rows([sample["second_ids"] for sample in samples])
    attributes, _ = pad_rows([sample["attribute_mask"] for sample in samples])
    return {
        "images": torch.stack([sample["image"] for sample in samples]),
        "second_images": torch.stack([sample["second_image"] for sample in samples]),
        "input_ids": ids,
        "attention_mask": attention,
        "second_input_ids": second_ids,
        "second_attention_mask": second_attention,
        "attribute_masks": attributes,
        "identities": torch.tensor([sample["identity"] for sample in samples]),
        "replaced": torch.tensor([sample["replaced"] for sample in samples]),
        "files": [sample["file"] for sample in samples],
    }


class CaptionDataset(Dataset[Sample]):
    """The captions that search, in the order of the file.

    A sample holds ``input_ids`` and ``attention_mask`` ``(max_words)``, ``identities`` (the number
    of the data set), ``indices`` (its place in the dataset), ``captions`` and ``files`` (the
    picture it was written about).

    Args:
        records: Pictures of the part.
        images: Their squares, in the same order.
        tokenizer: Makes the ids of the captions.

    Attributes:
        identities: Identity of every caption ``(captions)``.
    """

    def __init__(
        self, records: Sequence[PersonRecord], images: ImageStore, tokenizer: CaptionTokenizer
    ) -> None:
        pairs = image_captions(records)
        self.captions = [text for _, text in pairs]
        self.identities = torch.tensor([records[image].identity for image, _ in pairs])
        self._files = [str(images.files[image]) for image, _ in pairs]
        self._ids, self._attention = tokenizer.encode_batch(self.captions, "max_words")

    def __len__(self) -> int:
        """Number of captions."""
        return len(self.captions)

    def __getitem__(self, index: int) -> Sample:
        """Return one caption.

        Args:
            index: Its place in the file.
        """
        return {
            "input_ids": self._ids[index],
            "attention_mask": self._attention[index],
            "identities": self.identities[index],
            "indices": index,
            "captions": self.captions[index],
            "files": self._files[index],
        }


class GalleryDataset(Dataset[Sample]):
    """The pictures that are searched, in the order of the file.

    A sample holds ``images`` ``(3, size, size)``, ``identities`` (the number of the data set),
    ``indices`` (its place in the dataset) and ``files``.

    Args:
        records: Pictures of the part.
        images: Their squares, in the same order.

    Attributes:
        identities: Identity of every picture ``(pictures)``.
    """

    def __init__(self, records: Sequence[PersonRecord], images: ImageStore) -> None:
        self.images = images
        self.identities: Tensor = torch.tensor([record.identity for record in records])

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        """Return one picture.

        Args:
            index: Its place in the file.
        """
        return {
            "images": image_tensor(self.images[index]),
            "identities": self.identities[index],
            "indices": index,
            "files": str(self.images.files[index]),
        }

    def batches_of(
        self, indices: Sequence[int], batch_size: int, num_workers: int = 0
    ) -> DataLoader[Sample]:
        """Return a loader of some of the pictures.

        Args:
            indices: Their places in the file.
            batch_size: Pictures per batch.
            num_workers: Worker processes.
        """
        return DataLoader(Subset(self, indices), batch_size, num_workers=num_workers)
