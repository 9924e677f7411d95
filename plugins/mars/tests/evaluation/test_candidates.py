"""Candidates of captions, and the rows that rank the gallery."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from lightning_face.errors import RunError
from lightning_face_mars.evaluation.candidates import OUTSIDE, ranked_rows, top_candidates
from lightning_face_mars.metrics import ranking


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    texts, images = (normalize(torch.randn(n, 5, generator=generator)) for n in (9, 30))
    # pictures that are all alike
    images[[3, 8, 20, 21]] = images[3].clone()
    return texts, images


@pytest.mark.parametrize("block", [1 << 23, 70])
@pytest.mark.parametrize("count", [1, 4, 7, 30, 99])
def test_the_first_of_a_stable_sort(features, count, block, monkeypatch):
    monkeypatch.setattr(ranking, "_BLOCK_ENTRIES", block)
    texts, images = features
    expected = (texts @ images.T).sort(dim=1, descending=True, stable=True)
    found = top_candidates(texts, images, count)
    assert torch.equal(found.places, expected.indices[:, :count])
    torch.testing.assert_close(found.similarity, expected.values[:, :count])


def test_of_equals_the_first_are_chosen():
    images = normalize(torch.ones(6, 2))
    found = top_candidates(images[:1], images, 3)
    assert found.places.tolist() == [[0, 1, 2]]


def test_features_that_are_not_finite(features):
    texts, images = features
    images[2, 0] = float("nan")
    with pytest.raises(RunError, match="not finite"):
        top_candidates(texts, images, 3)


def test_no_caption(features):
    assert top_candidates(features[0][:0], features[1], 3).places.shape == (0, 3)


def rows(*arguments):
    return torch.cat([block for _, block in ranked_rows(*arguments)])


def test_without_a_second_look_similarity_ranks(features):
    texts, images = features
    torch.testing.assert_close(rows(texts, images), texts @ images.T)


def test_both_tails(features):
    texts, images = features
    found = top_candidates(texts, images, 4)
    # lower than any similarity, and than the score of all others
    scores = torch.randn(9, 4, generator=torch.Generator().manual_seed(1)) * 20 - 50
    reference = rows(texts, images, found, scores, "reference")
    assert torch.equal(reference.gather(1, found.places), scores)
    assert (reference == OUTSIDE).sum() == 9 * 26
    similar = rows(texts, images, found, scores, "similarity")
    order = similar.argsort(dim=1, descending=True, stable=True)
    best = scores.sort(dim=1, descending=True).indices
    assert torch.equal(order[:, :4], found.places.gather(1, best))
    by_similarity = (texts @ images.T).sort(dim=1, descending=True, stable=True).indices
    assert torch.equal(order[:, 4:], by_similarity[:, 4:])


def test_scores_that_hardly_differ_keep_their_order(features):
    texts, images = features
    found = top_candidates(texts, images, 2)
    scores = torch.tensor([[3.0, 3.0000002]]).expand(9, 2)
    similar = rows(texts, images, found, scores, "similarity")
    first = similar.argmax(dim=1)
    assert torch.equal(first, found.places[:, 1])
