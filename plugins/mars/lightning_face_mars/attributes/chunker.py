"""How captions are cut into attributes: what a chunker is, and which one to take."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, Protocol

from lightning_face.errors import ConfigError

__all__ = ["ChunkToken", "Chunker", "ChunkerName", "choose_chunker"]

log = logging.getLogger(__name__)

ChunkerName = Literal["auto", "spacy", "lexicon"]


class ChunkToken(NamedTuple):
    """One word of a noun phrase, as a parser divides the text.

    Attributes:
        start: Its first character in the text.
        end: The character behind its last.
        tag: Its part of speech, of the universal tags: ``NOUN``, ``ADJ``, ...
    """

    start: int
    end: int
    tag: str


class Chunker(Protocol):
    """Finds noun phrases.

    Attributes:
        identity: Name and version: two chunkers of one identity find the same.
    """

    identity: str

    def noun_phrases(self, texts: Iterable[str]) -> Iterator[list[list[ChunkToken]]]:
        """Find the noun phrases of texts.

        Args:
            texts: Normalised captions, or their word pieces joined by spaces.

        Returns:
            For each text its phrases in order, each a list of its tokens in order.
        """


def choose_chunker(name: ChunkerName) -> Chunker:
    """Return the chunker of a name.

    Args:
        name: ``spacy``, ``lexicon``, or ``auto``: spaCy where it is installed with its model, else
            the lexicon with a warning.

    Raises:
        ConfigError: The name is unknown, or spaCy is wanted and not installed.
    """
    from lightning_face_mars.attributes.lexicon_chunker import LexiconChunker
    from lightning_face_mars.attributes.spacy_chunker import SpacyChunker, has_spacy

    if name == "lexicon":
        return LexiconChunker()
    if name == "spacy":
        return SpacyChunker()
    if name != "auto":
        raise ConfigError(f"the chunker is {name!r}, not one of auto, spacy, lexicon")
    if has_spacy():
        return SpacyChunker()
    log.warning(
        "spaCy is not installed: attributes are found by a list of colours and clothes, which "
        "misses some; pip install 'lightning-face-mars[attributes]' for those of the paper"
    )
    return LexiconChunker()
