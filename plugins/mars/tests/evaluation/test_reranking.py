"""Scores of captions and their candidates."""

from __future__ import annotations

import pytest
import torch

from lightning_face_mars.evaluation.reranking import rerank


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([7, 3, 5, 12, 2, 6, 3])
    mask = (torch.arange(12) < lengths[:, None]).long()
    ids = torch.randint(5, 60, (7, 12), generator=generator) * mask
    tokens = torch.randn(6, 17, 32, generator=generator)
    places = torch.stack([torch.randperm(6, generator=generator)[:4] for _ in range(7)])
    return ids, mask, tokens, places


def pair_by_pair(network, ids, mask, tokens, places):
    """One whole text with one image at a time."""
    with torch.no_grad():
        return torch.tensor(
            [
                [
                    network.itm_head(
                        network.match(ids[row, None], mask[row, None], tokens[place, None])[:, 0]
                    )[0, 1]
                    for place in line.tolist()
                ]
                for row, line in enumerate(places)
            ]
        )


@pytest.mark.parametrize("full_ca", [True, False])
@pytest.mark.parametrize("texts_per_call", [1, 3, 50])
def test_the_scores_of_single_pairs(small_network, case, full_ca, texts_per_call):
    network = small_network(full_ca)
    ids, mask, tokens, places = case
    batches = zip(torch.arange(6).split(4), tokens.split(4), strict=True)
    found = rerank(network, ids, mask, places, batches, texts_per_call)
    expected = pair_by_pair(network, ids, mask, tokens, places)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_the_order_of_the_images_does_not_matter(small_network, case):
    ids, mask, tokens, places = case
    network = small_network()
    found = [
        rerank(network, ids, mask, places, [(order, tokens[order])])
        for order in (torch.arange(6), torch.tensor([5, 0, 3, 1, 4, 2]))
    ]
    torch.testing.assert_close(*found)


def test_shares_of_two_processes_add_up(small_network, case):
    ids, mask, tokens, places = case
    network = small_network()
    whole = rerank(network, ids, mask, places, [(torch.arange(6), tokens)])
    # the second process has picture 2 once more and passes it over
    own = [torch.tensor([0, 2, 4]), torch.tensor([-1, 1, 3, 5])]
    kept = [tokens[[0, 2, 4]], tokens[[2, 1, 3, 5]]]
    shares = [
        rerank(network, ids, mask, places, [(index, each)])
        for index, each in zip(own, kept, strict=True)
    ]
    assert all((share == 0).any() for share in shares)
    torch.testing.assert_close(sum(shares), whole)


def test_only_wanted_images_are_looked_at(small_network, case, monkeypatch):
    ids, mask, tokens, _ = case
    network = small_network()
    looked = []
    compute = network.image_memory
    monkeypatch.setattr(
        network, "image_memory", lambda image: (looked.append(len(image)), compute(image))[1]
    )
    places = torch.tensor([[2, 4]]).expand(7, 2)
    rerank(network, ids, mask, places, [(torch.arange(6), tokens)])
    assert looked == [1, 1], "keys and values are computed once an image"
