"""Noun phrases by spaCy, as the published training has them."""

from __future__ import annotations

import sys

import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars.attributes import spacy_chunker
from lightning_face_mars.attributes.attribute_masks import attribute_masks
from lightning_face_mars.attributes.spacy_chunker import SpacyChunker, has_spacy
from lightning_face_mars.text.tokenizer import CaptionTokenizer

needs_spacy = pytest.mark.skipif(not has_spacy(), reason="spaCy is not installed")


@needs_spacy
def test_attributes_are_those_of_the_published_training():
    # word pieces lead the parser astray: khaki is three, and shorts a verb
    captions = {
        "He wears a short-sleeved plaid shirt and khaki shorts, and carries a paper bag.": {
            1: ["short", "sleeve"]
        },
        "A woman in a purple down jacket pushes a baby stroller.": {1: ["purple", "jacket"]},
        "Man in black.": {},
    }
    tokenizer = CaptionTokenizer()
    masks = attribute_masks(list(captions), tokenizer, SpacyChunker())
    for (caption, expected), mask in zip(captions.items(), masks, strict=True):
        tokens = tokenizer.tokens(tokenizer.encode([caption])[0])
        found = {
            number: [token for token, each in zip(tokens, mask, strict=True) if each == number]
            for number in set(mask) - {0}
        }
        assert found == expected


@needs_spacy
def test_masks_do_not_depend_on_the_captions_beside():
    tokenizer, chunker = CaptionTokenizer(), SpacyChunker()
    captions = [f"a man with a {color} hat and wide trousers" for color in ("red", "blue")] * 20
    together = list(attribute_masks(captions, tokenizer, chunker))
    assert together[:2] == [
        next(attribute_masks([each], tokenizer, chunker)) for each in captions[:2]
    ]


@needs_spacy
def test_the_identity_names_versions_and_loads_nothing(monkeypatch):
    monkeypatch.setattr(spacy_chunker, "import_module", lambda name: pytest.fail(name))
    assert SpacyChunker().identity.startswith(f"spacy-{sys.modules['spacy'].__version__}-en_core")


def test_its_absence_is_said(monkeypatch):
    monkeypatch.setattr(spacy_chunker, "find_spec", lambda name: None)
    assert not has_spacy()
    with pytest.raises(ConfigError, match=r"pip install 'lightning-face-mars\[attributes\]'"):
        SpacyChunker()
