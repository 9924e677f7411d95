"""Rates of attacks; those of two processes that share the pictures equal those of one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lightning_face.testing.processes import run_processes
from lightning_face_sis.metrics.identity_attack import IdentityAttack, attack_rates
from lightning_face_sis.metrics.identity_similarity import IdentitySimilarity
from lightning_face_sis.metrics.identity_threshold import verification_threshold

ROWS, WIDTH = 9, 6


def triples() -> list[torch.Tensor]:
    """Pictures that are half the source and half the target, sources, and targets."""
    generator = torch.Generator().manual_seed(0)
    sources, targets = torch.randn(2, ROWS, WIDTH, generator=generator)
    return [functional.normalize(sources) + functional.normalize(targets), sources, targets]


# two faces of one person
PERSONS = torch.tensor([3, 1, 4, 3, 5, 9, 2, 6, -1])


def values(parts: list[list[torch.Tensor]]) -> dict[str, float]:
    attack = IdentityAttack(false_accept_rate=0.1, embedding_dim=WIDTH)
    similarity = IdentitySimilarity()
    for generated, sources, targets, persons in parts:
        attack.update(generated, sources, targets, persons)
        similarity.update(generated, sources)
    rates = {name: float(value) for name, value in attack.compute().items()}
    return {**rates, "similarity": float(similarity.compute())}


def share(rank: int, split: int) -> dict[str, float]:
    mine = slice(0, split) if rank == 0 else slice(split, None)
    part = [each[mine] for each in (*triples(), PERSONS)]
    return values([part] if len(part[0]) else [])


def run(rank: int):
    # unequal shares, and a process without pictures
    return [share(rank, split) for split in (5, ROWS)]


def test_counts_pictures_above_the_threshold():
    source = torch.tensor([0.9, 0.9, 0.1, 0.3])
    target = torch.tensor([0.8, 0.2, 0.7, 0.1])
    rates = {name: float(value) for name, value in attack_rates(source, target, 0.3).items()}
    assert rates == pytest.approx(
        {
            "similarity_source": 0.55,
            "similarity_target": 0.45,
            "attack_success": 0.5,
            # 0.3 itself is not above the threshold
            "kept_source": 0.5,
            "both": 0.25,
        }
    )


def test_pictures_without_an_attack_are_their_sources():
    _, sources, targets = triples()
    metric = IdentityAttack(threshold=0.99, embedding_dim=WIDTH)
    metric.update(sources, sources, targets)
    rates = metric.compute()
    assert float(rates["kept_source"]) == 1
    assert float(rates["attack_success"]) == float(rates["both"]) == 0
    assert float(rates["threshold"]) == pytest.approx(0.99)


def test_faces_of_one_person_do_not_raise_the_threshold():
    generated, sources, targets = triples()
    sources[3] = sources[0]
    metric = IdentityAttack(false_accept_rate=0.0, embedding_dim=WIDTH)
    metric.update(generated, sources, targets)
    assert float(metric.compute()["threshold"]) == pytest.approx(1)
    metric.reset()
    metric.update(generated, sources, targets, PERSONS)
    assert float(metric.compute()["threshold"]) < 0.99


def test_the_threshold_is_that_of_the_sources_at_the_rate():
    generated, sources, targets = triples()
    metric = IdentityAttack(false_accept_rate=0.1, embedding_dim=WIDTH)
    for start in range(0, ROWS, 4):
        metric.update(*(each[start : start + 4] for each in (generated, sources, targets)))
    rates = metric.compute()
    threshold = verification_threshold(sources, 0.1)
    assert torch.equal(rates["threshold"], threshold)
    cosines = functional.cosine_similarity(generated, targets)
    assert float(rates["attack_success"]) == float((cosines > threshold).float().mean())
    metric.reset()
    metric.update(sources, sources, sources)
    assert float(metric.compute()["both"]) == 1


def test_a_network_embeds_all_pictures():
    pictures = [each.unflatten(1, (3, 1, 2)) for each in triples()]
    metric = IdentityAttack(torch.nn.Flatten(), threshold=0.5, embedding_dim=WIDTH)
    metric.update(*pictures)
    plain = IdentityAttack(threshold=0.5, embedding_dim=WIDTH)
    plain.update(*triples())
    assert metric.compute() == plain.compute()


@pytest.mark.distributed
def test_two_processes_agree_with_one():
    expected = values([[*triples(), PERSONS]])
    for uneven, lonely in run_processes(run):
        assert uneven == pytest.approx(expected, rel=1e-5)
        assert lonely == pytest.approx(expected, rel=1e-5)
