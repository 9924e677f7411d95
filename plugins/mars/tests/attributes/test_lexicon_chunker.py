"""Noun phrases by lists of words."""

from __future__ import annotations

import pytest

from lightning_face_mars.attributes.attribute_masks import attribute_masks
from lightning_face_mars.attributes.lexicon_chunker import ADJECTIVES, NOUNS, LexiconChunker
from lightning_face_mars.attributes.spacy_chunker import SpacyChunker, has_spacy
from lightning_face_mars.data.sample_person import CLOTH_COLORS, HAIR_COLORS
from lightning_face_mars.text.tokenizer import CaptionTokenizer

CAPTIONS = [
    "The man is wearing a grey jacket, wide trousers and white sneakers with a black logo.",
    "A young woman with long black hair walks forward. She has a red backpack on her back.",
    "The girl has a yellow dress and a brown leather handbag.",
    "He has short brown hair and a thick beard.",
]


def phrases(text):
    (found,) = LexiconChunker().noun_phrases([text])
    return [[text[token.start : token.end] for token in phrase] for phrase in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a man in a dark blue coat", [["man"], ["dark", "blue", "coat"]]),
        ("red hat blue coat", [["red", "hat"], ["blue", "coat"]]),
        ("brown leather shoes", [["brown", "leather", "shoes"]]),
        ("she is tall", []),
        ("dressed in black", []),
        ("a wind ##break ##er", [["wind", "##break", "##er"]]),
        ("puff ##y coat", [["puff", "##y", "coat"]]),
        ("", []),
    ],
)
def test_phrases_are_runs_that_end_with_a_noun(text, expected):
    assert phrases(text) == expected


def test_no_word_is_on_both_lists():
    assert not ADJECTIVES & NOUNS


def test_all_words_of_the_sample_are_known():
    assert {*CLOTH_COLORS, *HAIR_COLORS} <= ADJECTIVES
    assert {"hair", "shirt", "pants", "shorts", "skirt", "shoes", "backpack", "handbag"} <= NOUNS


@pytest.mark.skipif(not has_spacy(), reason="spaCy is not installed")
def test_it_agrees_with_the_parser_on_usual_captions():
    tokenizer = CaptionTokenizer()
    masks = [
        [number > 0 for mask in attribute_masks(CAPTIONS, tokenizer, each) for number in mask]
        for each in (LexiconChunker(), SpacyChunker())
    ]
    both = sum(a and b for a, b in zip(*masks, strict=True))
    assert 2 * both / sum(map(sum, masks)) > 0.9
