from __future__ import annotations

import pytest
import torch

from lightning_face_sis.metrics import identity_threshold
from lightning_face_sis.metrics.identity_threshold import verification_threshold


def impostors(embeddings: torch.Tensor) -> torch.Tensor:
    """Cosines of all pairs of rows, in increasing order."""
    directions = torch.nn.functional.normalize(embeddings)
    cosines = directions @ directions.T
    return cosines[torch.ones_like(cosines, dtype=torch.bool).triu(1)].sort().values


@pytest.fixture
def embeddings() -> torch.Tensor:
    return torch.randn(41, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.5, 0.99])
def test_accepts_as_many_impostors_as_allowed_and_no_more(embeddings, rate):
    cosines = impostors(embeddings)
    assert len(cosines) == 820
    threshold = verification_threshold(embeddings, rate)
    accepted = int((cosines > threshold).sum())
    assert accepted == int(rate * 820)


def test_lengths_of_embeddings_do_not_matter(embeddings):
    lengths = torch.linspace(0.1, 9, 41).unsqueeze(1)
    expected = verification_threshold(embeddings, 0.05)
    assert torch.allclose(verification_threshold(lengths * embeddings, 0.05), expected)


def test_no_impostor_passes_where_pairs_are_too_few_for_the_rate(embeddings):
    threshold = verification_threshold(embeddings[:5], 1e-3)
    assert float(threshold) == pytest.approx(float(impostors(embeddings[:5])[-1]))


@pytest.mark.parametrize("rows", [1, 7, 41])
def test_comparing_few_rows_at_once_changes_nothing(embeddings, rows, monkeypatch):
    expected = verification_threshold(embeddings, 0.1)
    monkeypatch.setattr(identity_threshold, "_ROWS", rows)
    assert torch.allclose(verification_threshold(embeddings, 0.1), expected)


@pytest.mark.parametrize("rows", [7, 41])
def test_pairs_of_one_person_are_no_impostors(embeddings, rows, monkeypatch):
    monkeypatch.setattr(identity_threshold, "_ROWS", rows)
    twice = torch.cat([embeddings, embeddings[:9] + 0.01])
    persons = torch.cat([torch.arange(41), torch.arange(9)])
    strict = verification_threshold(twice, 1e-3)
    fair = verification_threshold(twice, 1e-3, persons)
    expected = verification_threshold(embeddings, 0.0)
    assert float(strict) > 0.99
    assert float(fair) == pytest.approx(float(expected), abs=0.05)


def test_unknown_persons_appear_once(embeddings):
    persons = torch.full((41,), -1)
    expected = verification_threshold(embeddings, 0.1)
    assert torch.equal(verification_threshold(embeddings, 0.1, persons), expected)


def test_one_person_alone_has_no_threshold(embeddings):
    assert verification_threshold(embeddings, 0.1, torch.zeros(41)).isnan()


@pytest.mark.parametrize(("faces", "rate"), [(1, 0.1), (0, 0.1), (5, 1.0), (5, -0.1)])
def test_refuses_what_has_no_threshold(faces, rate):
    with pytest.raises(ValueError, match=r"needs 2 faces|lies in \[0, 1\)"):
        verification_threshold(torch.ones(faces, 3), rate)
