"""The evaluation in two stages."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lightning_face.data.sampler import EpochSampler
from lightning_face.errors import ConfigError
from lightning_face.testing.processes import run_processes
from lightning_face_mars.evaluation.person_search_evaluation import PersonSearchEvaluation
from lightning_face_mars.metrics import RetrievalMetrics

CAPTIONS, IMAGES = 11, 7


def caption_batches(rank=0, world=1):
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(2, 9, (CAPTIONS,), generator=generator)
    mask = (torch.arange(10) < lengths[:, None]).long()
    ids = torch.randint(5, 60, (CAPTIONS, 10), generator=generator) * mask
    for rows in EpochSampler(CAPTIONS, 4, rank=rank, world_size=world):
        yield {
            "input_ids": ids[rows],
            "attention_mask": mask[rows],
            # there is no picture of 3
            "identities": torch.tensor(rows) % 4,
            "indices": torch.tensor(rows),
            "captions": [f"a person, {row}" for row in rows],
            "files": [f"{row}.jpg" for row in rows],
        }


def image_batches(rank=0, world=1):
    images = torch.randn(IMAGES, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    for rows in EpochSampler(IMAGES, 3, rank=rank, world_size=world):
        yield {
            "images": images[rows],
            "identities": torch.tensor(rows) % 3,
            "indices": torch.tensor(rows),
            "files": [f"{row}.jpg" for row in rows],
        }


def read_images(indices, batch_size):
    pictures = torch.cat([batch["images"] for batch in image_batches()])
    for rows in torch.tensor(indices).split(batch_size):
        yield {"images": pictures[rows], "indices": rows}


def evaluate(network, rank=0, world=1, **settings):
    evaluation = PersonSearchEvaluation(network, **{"candidates": 4, **settings})
    for batch in caption_batches(rank, world):
        evaluation.add_captions(batch)
    for batch in image_batches(rank, world):
        evaluation.add_images(batch)
    return evaluation.compute(read_images)


def table(scores, image_to_text=False):
    queries, gallery = torch.arange(CAPTIONS) % 4, torch.arange(IMAGES) % 3
    metric = RetrievalMetrics()
    metric.update(scores, *((gallery, queries) if image_to_text else (queries, gallery)))
    return {name: value.item() for name, value in metric.compute().items()}


@torch.no_grad()
def plain_scores(network):
    """Similarities, and matching logits of all pairs, as the paper defines them."""
    pictures = torch.cat([batch["images"] for batch in image_batches()])
    texts = [torch.cat(part) for part in zip(*map(ids_and_mask, caption_batches()), strict=True)]
    tokens, images = network.encode_image(pictures)
    similarity = network.encode_text(*texts)[1] @ images.T
    logits = torch.stack(
        [
            network.match_logits(*(each[row].expand(IMAGES, -1) for each in texts), tokens)[:, 1]
            for row in range(CAPTIONS)
        ]
    )
    return similarity, logits


def ids_and_mask(batch):
    return batch["input_ids"], batch["attention_mask"]


def test_both_stages_as_the_paper_defines_them(small_network):
    network = small_network()
    similarity, logits = plain_scores(network)
    result = evaluate(network, image_to_text=True)
    chosen = similarity.argsort(dim=1, descending=True)[:, :4]
    reference = torch.full_like(logits, -100).scatter(1, chosen, logits.gather(1, chosen))
    assert result.stage_rows("similarity") == pytest.approx(table(similarity))
    assert result.stage_rows("reranked") == pytest.approx(table(reference))
    assert result.stage_rows("image_to_text") == pytest.approx(table(similarity.T, True))
    rows = result.rows()
    assert rows["mAP"] == result.stage_rows("reranked")["mAP"]
    assert rows["similarity_mAP"] == result.stage_rows("similarity")["mAP"]
    assert rows["skipped"] == 2
    places, scores = result.ranked(4)
    assert torch.equal(places, reference.argsort(dim=1, descending=True, stable=True)[:, :4])
    torch.testing.assert_close(
        scores, reference.sort(dim=1, descending=True).values[:, :4], atol=2e-5, rtol=1e-4
    )


def test_similarity_alone(small_network):
    network = small_network()
    result = evaluate(network, candidates=0)
    similarity = plain_scores(network)[0]
    assert result.final == "similarity"
    assert result.rows() == pytest.approx(table(similarity))
    assert torch.equal(result.ranked(3)[0], similarity.argsort(dim=1, descending=True)[:, :3])


def test_more_candidates_than_images(small_network):
    network = small_network()
    result = evaluate(network, candidates=128)
    assert result.stage_rows("reranked") == pytest.approx(table(plain_scores(network)[1]))


def test_the_tail_by_similarity(small_network):
    network = small_network()
    result = evaluate(network, tail="similarity")
    similarity, logits = plain_scores(network)
    chosen = similarity.argsort(dim=1, descending=True)[:, :4]
    joined = similarity.scatter(1, chosen, logits.gather(1, chosen) + 1000)
    assert result.stage_rows("reranked") == pytest.approx(table(joined))


def test_kept_tokens_give_nearly_the_same_scores(small_network):
    network = small_network()
    expected, kept = evaluate(network), evaluate(network, image_tokens="memory_map")
    assert torch.equal(kept.candidates.places, expected.candidates.places)
    torch.testing.assert_close(kept.scores, expected.scores, atol=0.2, rtol=0.05)
    assert not torch.equal(kept.scores, expected.scores)


def test_a_second_evaluation_begins_anew(small_network):
    network = small_network()
    evaluation = PersonSearchEvaluation(network, candidates=4)
    rows = []
    for _ in range(2):
        evaluation.reset()
        for batch in caption_batches():
            evaluation.add_captions(batch)
        for batch in image_batches():
            evaluation.add_images(batch)
        rows.append(evaluation.compute(read_images).rows())
    assert rows[0] == rows[1]


def test_wrong_settings(small_network):
    network = small_network()
    for settings, message in (
        ({"candidates": -1}, "candidates -1 is below 0"),
        ({"texts_per_call": 0}, "texts_per_call 0 is below 1"),
        ({"tail": "best"}, "tail 'best' is none of reference, similarity"),
        ({"image_tokens": "disk"}, "image_tokens 'disk'"),
    ):
        with pytest.raises(ConfigError, match=message):
            PersonSearchEvaluation(network, **settings)


def test_what_it_needs(small_network):
    evaluation = PersonSearchEvaluation(small_network(), candidates=4)
    for batch in caption_batches():
        evaluation.add_captions(batch)
    with pytest.raises(ConfigError, match="captions and images"):
        evaluation.compute()
    for batch in image_batches():
        evaluation.add_images(batch)
    with pytest.raises(ConfigError, match="the images once more"):
        evaluation.compute()
    for wrong, missing in (
        (lambda indices, size: reversed([*read_images(indices, size)]), "7 did not come"),
        (lambda indices, size: [*read_images(indices, size)][:1], "4 did not come"),
        (lambda indices, size: read_images([6 - index for index in indices], size), "7 did not"),
    ):
        with pytest.raises(ConfigError, match=f"of 7 images .* {missing}"):
            evaluation.compute(wrong)


@pytest.mark.parametrize("candidates", [1, 3])
def test_only_wanted_images_are_encoded_again(small_network, monkeypatch, candidates):
    network = small_network()
    sizes, encode = [], network.encode_image
    monkeypatch.setattr(
        network, "encode_image", lambda images: (sizes.append(len(images)), encode(images))[1]
    )
    result = evaluate(network, candidates=candidates)
    wanted = len(result.candidates.places.unique())
    assert wanted < IMAGES
    assert sum(sizes) == IMAGES + wanted
    # no more at once than in the first look
    assert max(sizes) == 3


def test_the_second_look_has_a_precision_and_similarities_have_none(small_network):
    network = small_network()
    exact = evaluate(network)
    evaluation = PersonSearchEvaluation(network, candidates=4)
    for batch in caption_batches():
        evaluation.add_captions(batch)
    for batch in image_batches():
        evaluation.add_images(batch)
    rough = evaluation.compute(read_images, partial(torch.autocast, "cpu", torch.bfloat16))
    assert torch.equal(rough.candidates.similarity, exact.candidates.similarity)
    assert rough.scores.dtype == torch.float32
    assert not torch.equal(rough.scores, exact.scores)
    torch.testing.assert_close(rough.scores, exact.scores, atol=1.5, rtol=0)
    assert (rough.scores - exact.scores).abs().mean() < 0.2


SETTINGS = ({"image_to_text": True}, {"image_tokens": "memory_map"})


def share(rank, network):
    encode, encoded = network.encode_image, []
    network.encode_image = lambda images: (encoded.append(len(images)), encode(images))[1]
    results = [evaluate(network, rank, 2, **settings) for settings in SETTINGS]
    return sum(encoded), [
        (result.rows(), result.scores, result.candidates.places, result.gallery_files)
        for result in results
    ]


@pytest.mark.distributed
def test_two_processes_agree_with_one(small_network):
    network = small_network(inference_only=True)
    alone = [evaluate(network, **settings) for settings in SETTINGS]
    shares = run_processes(share, network)
    # of seven images, and of those to be looked at twice where tokens are not kept
    wanted = len(alone[0].candidates.places.unique())
    assert [count for count, _ in shares] == [2 * 4 + (wanted + 1) // 2, 2 * 3 + wanted // 2]
    for _, results in shares:
        for expected, (rows, scores, places, files) in zip(alone, results, strict=True):
            assert rows == pytest.approx(expected.rows())
            assert torch.equal(places, expected.candidates.places)
            torch.testing.assert_close(scores, expected.scores, atol=2e-5, rtol=1e-4)
            assert files == expected.gallery_files
