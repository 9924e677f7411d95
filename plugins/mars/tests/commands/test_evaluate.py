"""The verb that measures a search."""

from __future__ import annotations

import json

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.data.person_layout import ICFG_PEDES
from lightning_face_mars.data.sample import write_sample


def test_the_table_of_a_data_set(mars, drawn_gallery, tmp_path, capsys):
    out = tmp_path / "evaluation"
    words = ("--rerank", 3, "--image-to-text", "--part", "val", "-o", out)
    assert mars("evaluate", "cuhk-pedes", drawn_gallery, *words) == 0
    text = capsys.readouterr().out
    assert "8 captions, 4 pictures of 2 people" in text
    for row in ("text to image, re-ranked", "text to image, similarity", "image to text"):
        assert row in text
    content = json.loads((out / "metrics.json").read_text())
    assert content["candidates"] == 3
    assert f"{content['reranked']['mAP']['value']:.2f}" in text
    files = {file.name for file in out.iterdir()}
    assert files == {"metrics.json", "queries.csv", "index.html", "contact_sheet.png", "pictures"}


def test_similarity_alone(mars, drawn_gallery, capsys):
    assert mars("evaluate", "cuhk-pedes", drawn_gallery, "--rerank", 0) == 0
    captured = capsys.readouterr()
    assert "12 captions, 6 pictures of 3 people" in captured.out
    assert "re-ranked" not in captured.out
    assert "looked at twice" not in captured.err


def test_kept_tokens_spare_a_second_look_at_the_pictures(mars, drawn_gallery, capsys):
    assert mars("evaluate", "cuhk-pedes", drawn_gallery, "--rerank", 3, "--keep-tokens") == 0
    captured = capsys.readouterr()
    assert "re-ranked" in captured.out
    assert "looked at twice" not in captured.err


def test_wrong_options(mars, drawn_gallery, tmp_path):
    with pytest.raises(ConfigError, match="--workers -1"):
        mars("evaluate", "cuhk-pedes", drawn_gallery, "--workers", -1)
    with pytest.raises(ConfigError, match="invalid choice"):
        mars("evaluate", "market", drawn_gallery)
    with pytest.raises(DataError, match="RSTPReid"):
        mars("evaluate", "rstpreid", drawn_gallery)
    write_sample(tmp_path, ICFG_PEDES, {"train": 1, "test": 1}, images_each=1)
    with pytest.raises(ConfigError, match="has no picture of that part"):
        mars("evaluate", "icfg-pedes", tmp_path, "--part", "val")
