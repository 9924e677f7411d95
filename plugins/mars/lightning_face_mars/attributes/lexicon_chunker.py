"""Noun phrases by lists of words, for where spaCy is not installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lightning_face_mars.attributes.chunker import ChunkToken

__all__ = ["ADJECTIVES", "NOUNS", "LexiconChunker"]

_ADJECTIVES = """
    beige black blond blonde blue bright brown burgundy colorful colourful colored coloured cream
    crimson cyan dark fluorescent gold golden gray green grey indigo ivory khaki lavender light
    lime maroon multicolored navy olive orange pale peach pink purple red rose scarlet silver
    tan teal transparent turquoise violet white yellow
    baggy bald bare big broad casual chubby closed curly fat fit floral formal furry fuzzy heavy
    high knee large leather long loose low medium middle narrow neat old open oversized patterned
    plaid plain puffy ripped round short shoulder sleeveless slim small smart spotted sporty
    straight striped tall thick thin tight tiny traditional waisted wavy wide young
"""

_NOUNS = """
    adult backpack bag bags beard belt bicycle bike blazer blouse book boot boots bottle bottoms
    boy braid bun cap cardigan case child cloth clothes coat collar dress dresses earrings female
    flats flops girl glasses gloves guy hair hairstyle handbag hand hands hat head headphones
    heels hood hoodie jacket jeans jersey jumper kid lady laces leggings letters logo male man
    mask men necklace pants person phone pocket pockets polo ponytail print purse raincoat sandals
    scarf shirt shirts shoes shorts skirt sleeve sleeves slippers smartphone sneakers socks soles
    strap straps stripes student suit suitcase sunglasses sweater sweatshirt t-shirt tee tie tights
    top trainers trousers tshirt tunic umbrella uniform vest watch windbreaker woman women
"""

ADJECTIVES = frozenset(_ADJECTIVES.split())
"""Words that describe people and what they wear."""

NOUNS = frozenset(_NOUNS.split())
"""People, parts of them, and what they wear and carry."""

# a word and the pieces that go on with it
_WORD = re.compile(r"\S+(?: ##\S+)*")


class LexiconChunker:
    """Runs of known adjectives and nouns that end with a noun.

    A run goes from its first adjective or noun to its last noun; any other word ends it, and so
    does an adjective behind a noun, which begins the next.

    Attributes:
        identity: Name and version of the lists.
    """

    identity = "lexicon-1"

    def noun_phrases(self, texts: Iterable[str]) -> Iterator[list[list[ChunkToken]]]:
        """Find the noun phrases of texts.

        Args:
            texts: Normalised captions, or their word pieces joined by spaces.

        Returns:
            For each text its phrases in order, each a list of its tokens in order. A word in
            pieces is one token for each piece, all with the tag of the word.
        """
        for text in texts:
            yield list(_phrases(text))


def _phrases(text: str) -> Iterator[list[ChunkToken]]:
    run: list[ChunkToken] = []
    for match in _WORD.finditer(text):
        word = match.group().replace(" ##", "")
        tag = "NOUN" if word in NOUNS else "ADJ" if word in ADJECTIVES else None
        if run and (tag is None or (tag == "ADJ" and run[-1].tag == "NOUN")):
            if run[-1].tag == "NOUN":
                yield run
            run = []
        if tag is not None:
            run += [
                ChunkToken(match.start() + piece.start(), match.start() + piece.end(), tag)
                for piece in re.finditer(r"\S+", match.group())
            ]
    if run and run[-1].tag == "NOUN":
        yield run
