"""Sentences that search a gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.data.transforms import image_tensor, read_person, square
from lightning_face_mars.evaluation.candidates import top_candidates
from lightning_face_mars.evaluation.features import cut_padding
from lightning_face_mars.evaluation.reranking import rerank
from lightning_face_mars.gallery.gallery_index import GalleryIndex
from lightning_face_mars.loading import LoadedPersonSearch

__all__ = ["Hit", "search_gallery"]


@dataclass(frozen=True)
class Hit:
    """A picture that a sentence found.

    Attributes:
        file: The picture.
        similarity: Cosine similarity of sentence and picture, -1..1.
        score: Logit of the matching head, or None where the picture was not looked at twice.
    """

    file: Path
    similarity: float
    score: float | None = None


@torch.no_grad()
def search_gallery(
    loaded: LoadedPersonSearch,
    index: GalleryIndex,
    sentences: Sequence[str],
    count: int = 20,
    reranked: int = 0,
    batch_size: int = 16,
) -> list[list[Hit]]:
    """Find the pictures that fit sentences best.

    Args:
        loaded: The network, the one that made the index.
        index: The gallery.
        sentences: Descriptions of persons, in English.
        count: Pictures to return for each.
        reranked: Most similar pictures of each that are looked at twice, by the matching head;
            0 leaves the order to the similarity. More are looked at where ``count`` is larger.
        batch_size: Pictures that are encoded at a time for the second look.

    Returns:
        For each sentence its hits, the best first.

    Raises:
        ConfigError: A sentence has no word.
        DataError: A picture that was found is gone or damaged.
    """
    ids, mask = loaded.tokenizer.encode_batch(sentences, "max_words")
    for sentence, length in zip(sentences, mask.sum(dim=1).tolist(), strict=True):
        if length < 2:
            raise ConfigError(f"{sentence!r} has no word to search for")
    ids, mask = (each.to(loaded.device) for each in cut_padding(ids, mask))
    features = loaded.network.encode_text(ids, mask)[1].float()
    gallery = index.features.to(loaded.device)
    wanted = max(count, reranked) if reranked else count
    places, similarity = (each.cpu() for each in top_candidates(features, gallery, wanted))
    _require(index, places)
    if not reranked:
        return [
            [Hit(index.entries[place].file, value) for place, value in zip(*row, strict=True)]
            for row in zip(places.tolist(), similarity.tolist(), strict=True)
        ]
    images = _tokens(loaded, index, places.unique(), batch_size)
    scores = rerank(loaded.network, ids, mask, places, images)
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    columns = (each.gather(1, order)[:, :count].tolist() for each in (places, similarity))
    return [
        [Hit(index.entries[p].file, s, score) for p, s, score in zip(*row, strict=True)]
        for row in zip(*columns, scores[:, :count].tolist(), strict=True)
    ]


def _require(index: GalleryIndex, places: Tensor) -> None:
    """Make sure that what was found is still there."""
    files = [index.entries[place].file for place in places.unique().tolist()]
    gone = [file for file in files if not file.is_file()]
    if gone:
        raise DataError(
            f"{len(gone)} of the pictures that were found are gone, such as {gone[0]}: run "
            "lightning-face mars index again"
        )


def _tokens(
    loaded: LoadedPersonSearch, index: GalleryIndex, places: Tensor, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    for part in places.split(batch_size):
        pictures = [
            image_tensor(square(read_person(index.entries[place].file), loaded.image_size))
            for place in part.tolist()
        ]
        yield part, loaded.network.encode_image(torch.stack(pictures).to(loaded.device))[0]
