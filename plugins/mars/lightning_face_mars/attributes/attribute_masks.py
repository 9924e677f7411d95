"""From the noun phrases of a caption to the positions of its attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from lightning_face_mars.attributes.chunker import Chunker, ChunkToken
from lightning_face_mars.text.caption import normalize_caption
from lightning_face_mars.text.tokenizer import CaptionTokenizer

__all__ = ["ChunkText", "attribute_masks", "mask_by_characters", "mask_by_walk"]

ChunkText = Literal["pieces", "caption"]

_TAGS = ("NOUN", "ADJ")


def attribute_masks(
    captions: Sequence[str],
    tokenizer: CaptionTokenizer,
    chunker: Chunker,
    chunk_text: ChunkText = "pieces",
) -> Iterator[list[int]]:
    """Number the attributes of captions: noun phrases with an adjective.

    Args:
        captions: Captions as they were written.
        tokenizer: Makes their ids.
        chunker: Finds their noun phrases.
        chunk_text: What the chunker reads: ``pieces``, the word pieces joined by spaces, as in the
            published training; ``caption``, the normalised caption, which a parser understands
            better.

    Returns:
        For each caption, for each of its ids, the number of its attribute from 1; 0 is none.

    Source:
        MARS, section on the attribute loss.
    """
    if chunk_text == "caption":
        texts = [normalize_caption(caption, tokenizer.max_words) for caption in captions]
        for phrases, spans in zip(
            chunker.noun_phrases(texts), tokenizer.spans(captions), strict=True
        ):
            yield mask_by_characters(phrases, spans)
        return
    words = [tokenizer.tokens(ids[1:]) for ids in tokenizer.encode(captions)]
    found = chunker.noun_phrases(" ".join(each) for each in words)
    for phrases, each in zip(found, words, strict=True):
        yield mask_by_walk(phrases, each)


def mask_by_walk(phrases: Iterable[Sequence[ChunkToken]], words: Sequence[str]) -> list[int]:
    """Number the attributes of a text that is words joined by single spaces.

    A token lies in the first word, from that of the token before on, that neither begins behind
    the token's first character nor ends before it. Where two attributes claim a word the later
    one has it, so that a number may be missing.

    Args:
        phrases: Noun phrases of the text.
        words: The words: word pieces of a caption, without ``[CLS]``.

    Returns:
        Number of the attribute of ``[CLS]`` and of each word; 0 is none.
    """
    starts = []
    start = 0
    for word in words:
        starts.append(start)
        start += len(word) + 1
    mask = [0] * (len(words) + 1)
    number = current = 0
    for phrase in phrases:
        positions = []
        for token in phrase:
            if token.tag in _TAGS:
                while not starts[current] <= token.start <= starts[current] + len(words[current]):
                    current += 1
                positions.append(current + 1)
        if _is_attribute(phrase, len(positions)):
            number += 1
            for position in positions:
                mask[position] = number
    return mask


def mask_by_characters(
    phrases: Iterable[Sequence[ChunkToken]], spans: Sequence[tuple[int, int]]
) -> list[int]:
    """Number the attributes of a text whose words are somewhere in it.

    Args:
        phrases: Noun phrases of the text.
        spans: First character of each word in the text and the one behind its last.

    Returns:
        Number of the attribute of ``[CLS]`` and of each word; 0 is none.
    """
    mask = [0] * (len(spans) + 1)
    number = 0
    for phrase in phrases:
        tokens = [token for token in phrase if token.tag in _TAGS]
        if _is_attribute(phrase, len(tokens)):
            number += 1
            for position, (start, end) in enumerate(spans, start=1):
                if any(token.start < end and start < token.end for token in tokens):
                    mask[position] = number
    return mask


def _is_attribute(phrase: Sequence[ChunkToken], count: int) -> bool:
    return count > 1 and any(token.tag == "ADJ" for token in phrase)
