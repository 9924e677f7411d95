"""Noun phrases by lists of words, for where spaCy is not installed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from lightning_face_mars.attributes.chunker import ChunkToken

__all__ = ["ADJECTIVES", "NOUNS", "LexiconChunker"]

_ADJECTIVES = """
beige black blond blonde blue bright brown burgundy colored colorful coloured colourful cream
crimson cyan dark fluorescent gold golden gray green grey indigo ivory khaki lavender light lime
maroon multicolored navy olive orange pale peach pink purple red rose scarlet silver tan teal
transparent turquoise violet white yellow
aged baggy bald bare big blank bold bulky busy camouflage casual checkered chubby closed curly
elderly fat fit floral flowered formal full furry fuzzy graphic heavy high hooded knee large left
long loose low male female medium middle narrow neat old open oval oversized patterned plaid plain
puffy reflective right ripped round shiny short shoulder sleeveless slim small smart
spotted sporty straight striped tall thick thin tied tight tiny traditional unbuttoned wavy wide
young
"""

_NOUNS = """
adult back backpack bag bags beard belt bicycle bike blazer blouse book boot boots bottle bottoms
boy braid bun button buttons cap cardigan case cell child clothes clothing coat collar color cotton
denim design dots down dress dresses earphones earrings embroidery flats flops girl glasses gloves
guy hair hairstyle hand handbag hands hat head headphones heel heels helmet hood hoodie jacket
jeans jersey jumper kid lace laces lady leather leggings length letters logo man mask men necklace
outfit pants paper person phone plastic pocket pockets polka polo ponytail print purse raincoat
sandals scarf school shirt shirts shoe shoes shopping shorts skirt sleeve sleeves slippers
smartphone sneakers sock socks sole soles sport sports strap straps stripe stripes stroller student
suit suitcase sunglasses sweater sweatpants sweatshirt tee tie tights top trainers travel trousers
tshirt tunic umbrella uniform vest waist watch windbreaker woman women
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
        identity: Name and checksum of the lists.
    """

    identity = f"lexicon-{zlib.crc32((_ADJECTIVES + _NOUNS).encode()):08x}"

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
