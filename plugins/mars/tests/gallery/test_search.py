"""Sentences that search a gallery."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.data.transforms import image_tensor, read_person, square
from lightning_face_mars.gallery.indexing import index_folders
from lightning_face_mars.gallery.search import search_gallery
from lightning_face_mars.loading import load_person_search

SENTENCES = ["a woman in a red shirt and blue pants", "the man has black hair"]


@pytest.fixture
def loaded(search_checkpoint):
    return load_person_search(search_checkpoint)


@pytest.fixture
def index(loaded, search_checkpoint, drawn_gallery, tmp_path):
    folder = Path(shutil.copytree(drawn_gallery / "imgs", tmp_path / "imgs"))
    path = tmp_path / "gallery.idx"
    return index_folders(loaded, search_checkpoint, [folder], path)[0]


@torch.no_grad()
def scores(loaded, index, sentence):
    """Similarity and matching score of all pictures."""
    files = [entry.file for entry in index.entries]
    pictures = torch.stack([image_tensor(square(read_person(file), 64)) for file in files])
    tokens, images = loaded.network.encode_image(pictures)
    ids, mask = loaded.tokenizer.encode_batch([sentence])
    similarity = loaded.network.encode_text(ids, mask)[1] @ images.T
    count = len(files)
    logits = loaded.network.match_logits(ids.expand(count, -1), mask.expand(count, -1), tokens)
    return files, similarity[0], logits[:, 1]


def test_by_similarity(loaded, index):
    found = search_gallery(loaded, index, SENTENCES, count=5)
    for sentence, hits in zip(SENTENCES, found, strict=True):
        files, similarity, _ = scores(loaded, index, sentence)
        best = similarity.argsort(descending=True)[:5].tolist()
        assert [hit.file for hit in hits] == [files[place] for place in best]
        assert [hit.similarity for hit in hits] == pytest.approx(
            similarity[best].tolist(), abs=1e-4
        )
        assert {hit.score for hit in hits} == {None}


def test_looked_at_twice(loaded, index):
    found = search_gallery(loaded, index, SENTENCES, count=3, reranked=8, batch_size=3)
    for sentence, hits in zip(SENTENCES, found, strict=True):
        files, similarity, logits = scores(loaded, index, sentence)
        chosen = similarity.argsort(descending=True)[:8]
        best = chosen[logits[chosen].argsort(descending=True)][:3].tolist()
        assert [hit.file for hit in hits] == [files[place] for place in best]
        assert [hit.score for hit in hits] == pytest.approx(logits[best].tolist(), abs=1e-3)


def test_a_gallery_smaller_than_the_wish(loaded, index):
    assert len(search_gallery(loaded, index, SENTENCES[:1], count=99, reranked=200)[0]) == 14


def test_words_are_needed(loaded, index):
    with pytest.raises(ConfigError, match=r"'\.\.\.' has no word"):
        search_gallery(loaded, index, [SENTENCES[0], "..."])


@pytest.mark.parametrize("reranked", [0, 14])
def test_pictures_that_are_gone(loaded, index, reranked):
    gone = search_gallery(loaded, index, SENTENCES[:1], count=1)[0][0].file
    gone.unlink()
    with pytest.raises(DataError, match="1 of the pictures that were found are gone") as caught:
        search_gallery(loaded, index, SENTENCES[:1], count=3, reranked=reranked)
    assert str(gone) in str(caught.value)
