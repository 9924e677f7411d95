"""A parser that finds what a test tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from lightning_face_mars.attributes.chunker import ChunkToken
from lightning_face_mars.attributes.lexicon_chunker import LexiconChunker
from lightning_face_mars.text.tokenizer import CaptionTokenizer


class CountingChunker:
    """The lexicon, which remembers what it was asked."""

    def __init__(self, identity: str = "counting") -> None:
        self.identity = identity
        self.texts: list[str] = []

    def noun_phrases(self, texts: Iterable[str]) -> Iterator[list[list[ChunkToken]]]:
        for text in texts:
            self.texts.append(text)
            yield from LexiconChunker().noun_phrases([text])


@pytest.fixture
def chunker() -> CountingChunker:
    return CountingChunker()


@pytest.fixture(scope="session")
def tokenizer() -> CaptionTokenizer:
    return CaptionTokenizer()
