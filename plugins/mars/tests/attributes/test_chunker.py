"""Which chunker is taken."""

from __future__ import annotations

import logging

import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars.attributes import spacy_chunker
from lightning_face_mars.attributes.chunker import choose_chunker
from lightning_face_mars.attributes.lexicon_chunker import LexiconChunker
from lightning_face_mars.attributes.spacy_chunker import SpacyChunker, has_spacy


def test_without_spacy_the_lexicon_warns_once(monkeypatch, caplog):
    monkeypatch.setattr(spacy_chunker, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        assert isinstance(choose_chunker("auto"), LexiconChunker)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "pip install 'lightning-face-mars[attributes]'" in caplog.text


@pytest.mark.skipif(not has_spacy(), reason="spaCy is not installed")
@pytest.mark.parametrize("name", ["auto", "spacy"])
def test_spacy_is_taken_where_it_is_installed(name, caplog):
    assert isinstance(choose_chunker(name), SpacyChunker)
    assert not caplog.records


def test_the_lexicon_is_had_without_a_warning(caplog):
    assert isinstance(choose_chunker("lexicon"), LexiconChunker)
    assert not caplog.records


def test_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="'nltk', not one of auto, spacy, lexicon"):
        choose_chunker("nltk")
