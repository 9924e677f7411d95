"""What an evaluation found, as table and files."""

from __future__ import annotations

import csv
import json

import pytest
import torch

from lightning_face_mars.evaluation.candidates import Candidates
from lightning_face_mars.evaluation.evaluation_result import EvaluationResult
from lightning_face_mars.metrics.ranking import rank_queries

QUERIES, GALLERY = torch.tensor([0, 1, 9]), torch.tensor([0, 1, 0, 2])
SIMILARITY = torch.tensor([[0.9, 0.8, 0.1, 0.3], [0.7, 0.2, 0.1, 0.6], [0.0, 0.1, 0.2, 0.3]])
PLACES = torch.tensor([[0, 1], [0, 3], [3, 2]])
# equal scores keep the order of the gallery, which is not that of the candidates
SCORES = torch.tensor([[1.0, 4.0], [2.0, 3.0], [5.0, 5.0]])


@pytest.fixture
def result():
    reranked = torch.full((3, 4), -100.0).scatter(1, PLACES, SCORES)
    return EvaluationResult(
        captions=["one", "two, too", "three"],
        caption_files=["a.jpg", "b.jpg", "c.jpg"],
        caption_identities=QUERIES,
        gallery_files=["0.jpg", "1.jpg", "2.jpg", "3.jpg"],
        gallery_identities=GALLERY,
        candidates=Candidates(PLACES, SIMILARITY.gather(1, PLACES)),
        scores=SCORES,
        stages={
            "similarity": rank_queries(SIMILARITY, QUERIES, GALLERY),
            "reranked": rank_queries(reranked, QUERIES, GALLERY),
        },
    )


def test_rows_of_both_rankings(result):
    rows = result.rows()
    # the third caption has no picture; the others' first ones stand on 1 and 3, then on 2 and 3
    assert rows["skipped"] == 1
    assert "similarity_skipped" not in rows
    assert (rows["similarity_R@1"], rows["similarity_R@5"]) == (50, 100)
    assert (rows["R@1"], rows["R@5"]) == (0, 100)
    precisions = ((1 + 2 / 4) / 2, 1 / 3)
    assert rows["similarity_mAP"] == pytest.approx(50 * sum(precisions))
    # of the images that were not looked at twice, the first of the gallery comes first
    precisions = ((1 / 2 + 2 / 3) / 2, 1 / 3)
    assert rows["mAP"] == pytest.approx(50 * sum(precisions))


def test_what_a_search_shows(result):
    places, scores = result.ranked(2)
    assert places.tolist() == [[1, 0], [3, 0], [2, 3]]
    assert scores.tolist() == [[4, 1], [3, 2], [5, 5]]
    result.scores = None
    del result.stages["reranked"]
    assert result.final == "similarity"
    assert result.ranked(1)[0].tolist() == [[0], [0], [3]]


def test_measures_are_written_with_intervals(result, tmp_path):
    result.write_json(tmp_path / "metrics.json")
    content = json.loads((tmp_path / "metrics.json").read_text())
    sizes = {"captions": 3, "images": 4, "people": 3, "candidates": 2}
    assert {name: content[name] for name in sizes} == sizes
    for stage in ("similarity", "reranked"):
        measured = content[stage]["mAP"]
        assert measured["value"] == result.stage_rows(stage)["mAP"]
        assert measured["interval_95"][0] <= measured["value"] <= measured["interval_95"][1]
        assert content[stage]["skipped"] == 1


def test_every_caption_has_a_line(result, tmp_path):
    result.write_queries(tmp_path / "queries.csv")
    with (tmp_path / "queries.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["caption"] for line in lines] == result.captions
    assert [line["right_images"] for line in lines] == ["2", "1", "0"]
    # no hit has no rank
    assert [line["reranked_first_hit"] for line in lines] == ["2", "3", ""]
    assert [line["similarity_first_hit"] for line in lines] == ["1", "3", ""]
    assert [line["first_image"] for line in lines] == ["1.jpg", "3.jpg", "2.jpg"]
    assert float(lines[1]["similarity_average_precision"]) == pytest.approx(1 / 3, abs=1e-6)


def test_the_table_names_its_rankings(result):
    lines = result.table().splitlines()
    assert lines[0].split() == ["R@1", "R@5", "R@10", "mAP", "mINP"]
    assert [line[:26].strip() for line in lines[1:]] == [
        "text to image, re-ranked",
        "text to image, similarity",
    ]
    assert f"{result.rows()['mAP']:.2f}" in lines[1]
