"""The verb that draws heat maps of words."""

from __future__ import annotations

import pytest
from PIL import Image

from lightning_face.errors import ConfigError, DataError

SENTENCE = "a woman in a red shirt"


def test_the_words_of_a_sentence_are_drawn(mars, picture, tmp_path):
    out = tmp_path / "attention"
    assert mars("attention", picture, SENTENCE, "--layers", 1, 2, "-o", out, "--width", 32) == 0
    page = (out / "index.html").read_text()
    # the picture and six words, in two layers
    assert page.count("<img") == 2 * 7
    assert "layer 1, matching score" in page
    with Image.open(out / "pictures" / "layer-01-00.png") as shown:
        assert shown.size == (64, 128)


def test_the_layer_of_the_paper_in_a_smaller_network(mars, picture, tmp_path):
    mars("attention", picture, SENTENCE, "-o", tmp_path / "out", "--width", 32)
    assert "layer 2, matching score" in (tmp_path / "out" / "index.html").read_text()


def test_wrong_options(mars, picture, tmp_path):
    with pytest.raises(ConfigError, match="--width 3"):
        mars("attention", picture, SENTENCE, "--width", 3)
    with pytest.raises(ConfigError, match="layer 9 has no cross attention"):
        mars("attention", picture, SENTENCE, "--layers", 9)
    with pytest.raises(ConfigError, match="has no word"):
        mars("attention", picture, "...")
    with pytest.raises(ConfigError, match="is a file"):
        mars("attention", picture, SENTENCE, "-o", picture)
    with pytest.raises(DataError, match=r"none\.jpg does not exist"):
        mars("attention", tmp_path / "none.jpg", SENTENCE)
