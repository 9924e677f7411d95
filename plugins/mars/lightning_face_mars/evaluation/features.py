"""Captions and images of an evaluation as their features, gathered from all processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch.nn.functional import pad

from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = [
    "CaptionFeatures",
    "CaptionSet",
    "ImageFeatures",
    "ImageSet",
    "cut_padding",
    "gather_objects",
]

_Value = TypeVar("_Value")


def cut_padding(input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Cut off the columns in which all texts are padding; what is encoded stays the same.

    Args:
        input_ids: Word pieces ``(texts, length)``.
        attention_mask: 1 for word pieces, 0 for padding behind them.

    Returns:
        Both, up to the end of the longest text.
    """
    length = max(1, int(attention_mask.sum(dim=1).max()))
    return input_ids[:, :length], attention_mask[:, :length]


def gather_objects(value: _Value) -> list[_Value]:
    """Return what every process has, by rank.

    Args:
        value: What this process has; it can be pickled and lies on the CPU.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return [value]
    gathered: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(gathered, value)
    return gathered


@dataclass(frozen=True)
class CaptionSet:
    """All captions of an evaluation, in the order of the data set.

    Attributes:
        features: Unit features ``(captions, features)``.
        input_ids: Word pieces ``(captions, length)``.
        attention_mask: 1 for word pieces, 0 for padding.
        identities: Who is described ``(captions,)``.
        captions: The sentences.
        files: Images that they were written for.
    """

    features: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    identities: Tensor
    captions: list[str]
    files: list[str]

    def to(self, device: torch.device) -> CaptionSet:
        """Return the same with its features and identities on a device."""
        return replace(
            self, features=self.features.to(device), identities=self.identities.to(device)
        )


@dataclass(frozen=True)
class ImageSet:
    """All images of a gallery, in the order of the data set.

    Attributes:
        features: Unit features ``(gallery, features)``.
        identities: Who is shown ``(gallery,)``.
        indices: Their numbers in the data set ``(gallery,)``.
        files: Their files.
        places: Places in the gallery of the images that this process added, in its order; -1 for
            one that another process has added too.
    """

    features: Tensor
    identities: Tensor
    indices: Tensor
    files: list[str]
    places: Tensor

    def to(self, device: torch.device) -> ImageSet:
        """Return the same with its features and identities on a device."""
        return replace(
            self, features=self.features.to(device), identities=self.identities.to(device)
        )


class CaptionFeatures:
    """Captions that one process has encoded."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []

    def add(self, network: PersonSearchNetwork, batch: Mapping[str, Any]) -> Tensor:
        """Encode a batch and keep its features.

        Args:
            network: The encoders.
            batch: ``input_ids``, ``attention_mask``, ``identities``, ``indices``, ``captions`` and
                ``files``.

        Returns:
            Unit features ``(batch, features)``.
        """
        ids, mask = cut_padding(batch["input_ids"], batch["attention_mask"])
        features = network.encode_text(ids, mask)[1].float()
        self._parts.append(
            {
                "features": features.cpu(),
                "input_ids": ids.cpu(),
                "attention_mask": mask.cpu(),
                "identities": batch["identities"].cpu(),
                "indices": batch["indices"].cpu(),
                "captions": list(batch["captions"]),
                "files": list(batch["files"]),
            }
        )
        return features

    def gather(self) -> CaptionSet:
        """Put the captions of all processes into the order of the data set, each of them once."""
        parts = _parts_of_all(self._parts)[0]
        longest = max((part["input_ids"].shape[1] for part in parts), default=0)
        order = _order(parts)
        lines = [line for part in parts for line in part["captions"]]
        files = [file for part in parts for file in part["files"]]
        padded = {
            name: [pad(part[name], (0, longest - part[name].shape[1])) for part in parts]
            for name in ("input_ids", "attention_mask")
        }
        return CaptionSet(
            features=_ordered([part["features"] for part in parts], order),
            input_ids=_ordered(padded["input_ids"], order),
            attention_mask=_ordered(padded["attention_mask"], order),
            identities=_ordered([part["identities"] for part in parts], order),
            captions=[lines[index] for index in order.tolist()],
            files=[files[index] for index in order.tolist()],
        )


class ImageFeatures:
    """Images that one process has encoded."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []

    @property
    def batch_sizes(self) -> list[int]:
        """Number of images in each batch of this process."""
        return [len(part["files"]) for part in self._parts]

    def add(self, network: PersonSearchNetwork, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Encode a batch and keep its features.

        Args:
            network: The encoders.
            batch: ``images``, ``identities``, ``indices`` and ``files``.

        Returns:
            Tokens ``(batch, tokens, width)`` and unit features ``(batch, features)``.
        """
        tokens, features = network.encode_image(batch["images"])
        features = features.float()
        self._parts.append(
            {
                "features": features.cpu(),
                "identities": batch["identities"].cpu(),
                "indices": batch["indices"].cpu(),
                "files": list(batch["files"]),
            }
        )
        return tokens, features

    def gather(self) -> ImageSet:
        """Put the images of all processes into the order of the data set, each of them once."""
        parts, counts = _parts_of_all(self._parts)
        order = _order(parts)
        rank = distributed.get_rank() if len(counts) > 1 else 0
        places = torch.full((sum(counts),), -1)
        places[order] = torch.arange(len(order))
        files = [file for part in parts for file in part["files"]]
        return ImageSet(
            features=_ordered([part["features"] for part in parts], order),
            identities=_ordered([part["identities"] for part in parts], order),
            indices=_ordered([part["indices"] for part in parts], order),
            files=[files[index] for index in order.tolist()],
            places=places[sum(counts[:rank]) : sum(counts[: rank + 1])],
        )


def _parts_of_all(parts: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the batches of all processes one after the other, and each one's number of items."""
    of_ranks = gather_objects(parts)
    counts = [sum(len(part["files"]) for part in mine) for mine in of_ranks]
    return [part for mine in of_ranks for part in mine], counts


def _order(parts: Sequence[dict[str, Any]]) -> Tensor:
    """Say which item of all processes stands at each place, without those that came twice."""
    indices = [int(index) for part in parts for index in part["indices"]]
    first = {index: item for item, index in reversed([*enumerate(indices)])}
    return torch.tensor([first[index] for index in sorted(first)], dtype=torch.int64)


def _ordered(parts: list[Tensor], order: Tensor) -> Tensor:
    return torch.cat(parts)[order] if parts else torch.zeros(0)
