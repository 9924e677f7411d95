"""From noun phrases to the positions of attributes."""

from __future__ import annotations

import pytest

from lightning_face_mars.attributes.attribute_masks import (
    attribute_masks,
    mask_by_characters,
    mask_by_walk,
)
from lightning_face_mars.attributes.chunker import ChunkToken


def phrase(text, *words):
    """Tokens of a text, given as (word, tag), searched from left to right."""
    tokens, start = [], 0
    for word, tag in words:
        start = text.index(word, start)
        tokens.append(ChunkToken(start, start + len(word), tag))
        start += len(word)
    return tokens


def walk(words, *phrases):
    text = " ".join(words)
    return mask_by_walk([phrase(text, *each) for each in phrases], words)


def test_nouns_and_adjectives_are_counted_and_nothing_else():
    words = ["the", "two", "wearing", "big", "hats", "nike"]
    tags = ["DET", "NUM", "VERB", "ADJ", "NOUN", "PROPN"]
    assert walk(words, list(zip(words, tags, strict=True))) == [0, 0, 0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("ADJ", "NOUN"), [0, 1, 1]),
        (("ADJ", "ADJ"), [0, 1, 1]),
        (("NOUN", "NOUN"), [0, 0, 0]),
        (("DET", "NOUN"), [0, 0, 0]),
        (("DET", "ADJ"), [0, 0, 0]),
    ],
)
def test_an_attribute_has_an_adjective_and_a_second_word(tags, expected):
    words = ["leather", "shoes"]
    assert walk(words, list(zip(words, tags, strict=True))) == expected


def test_attributes_are_numbered_without_gaps_for_other_phrases():
    words = ["red", "hat", "leather", "bag", "blue", "coat"]
    found = walk(
        words,
        [("red", "ADJ"), ("hat", "NOUN")],
        [("leather", "NOUN"), ("bag", "NOUN")],
        [("blue", "ADJ"), ("coat", "NOUN")],
    )
    assert found == [0, 1, 1, 0, 0, 2, 2]


def test_two_tokens_in_one_word_piece_are_two_words():
    # a parser divides "##s" into three tokens, of which the last is a noun
    assert walk(["tall", "##s"], [("#", "ADJ"), ("s", "NOUN")]) == [0, 0, 1]


def test_the_walk_never_goes_back():
    words = ["red", "red", "hat"]
    text = " ".join(words)
    late = phrase(text[4:], ("red", "ADJ"), ("hat", "NOUN"))
    moved = [ChunkToken(token.start + 4, token.end + 4, token.tag) for token in late]
    assert mask_by_walk([moved], words) == [0, 0, 1, 1]


def test_a_later_attribute_takes_a_word_over():
    words = ["big", "red", "hat"]
    text = " ".join(words)
    first = phrase(text, ("big", "ADJ"), ("hat", "NOUN"))
    again = [first[1], first[1]._replace(tag="ADJ")]
    assert mask_by_walk([first, again], words) == [0, 1, 0, 2]


def test_pieces_of_a_word_in_a_caption_share_its_attribute():
    text = "puffy sweatpants"
    tokens = phrase(text, ("puffy", "ADJ"), ("sweatpants", "NOUN"))
    spans = [(0, 4), (4, 5), (6, 11), (11, 16)]
    assert mask_by_characters([tokens], spans) == [0, 1, 1, 1, 1]
    assert mask_by_characters([tokens[1:]], spans) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("chunk_text", ["pieces", "caption"])
def test_masks_are_as_long_as_the_ids(tokenizer, chunker, chunk_text):
    captions = ["A man in a dark windbreaker.", "", "Black hair, white shoes"]
    masks = list(attribute_masks(captions, tokenizer, chunker, chunk_text))
    assert [len(mask) for mask in masks] == [len(ids) for ids in tokenizer.encode(captions)]
    assert masks[1:] == [[0], [0, 1, 1, 2, 2]]
    assert masks[0] == [0, 0, 0, 0, 0, 1, 1, 1]


def test_the_chunker_reads_what_was_chosen(tokenizer, chunker):
    caption = ["In khaki-coloured shorts"]
    list(attribute_masks(caption, tokenizer, chunker))
    list(attribute_masks(caption, tokenizer, chunker, "caption"))
    assert chunker.texts == ["in k ##hak ##i coloured shorts", "in khaki coloured shorts"]
