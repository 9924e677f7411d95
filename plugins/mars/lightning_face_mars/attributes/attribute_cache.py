"""Masks of attributes are found once per caption and kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from lightning_face.cache import cache_folder
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_mars.attributes.attribute_masks import ChunkText, attribute_masks
from lightning_face_mars.attributes.chunker import Chunker
from lightning_face_mars.text.tokenizer import CaptionTokenizer

__all__ = ["AttributeCache"]

log = logging.getLogger(__name__)

# changed whenever masks of the same caption would come out differently
_VERSION = "1"
_DIGEST_BYTES = 16
# captions between two writes of the file: some seconds of a parser
_CAPTIONS_AT_ONCE = 4096

Masks = dict[bytes, list[int]]


class AttributeCache:
    """File with the masks of captions, by what they depend on.

    The file is replaced whenever some thousand captions are done, so that a process that is
    killed loses little, and several that start together find the same.

    Args:
        tokenizer: Makes the ids of the captions.
        chunker: Finds their noun phrases.
        chunk_text: What the chunker reads, see
            :func:`~lightning_face_mars.attributes.attribute_masks.attribute_masks`.
        folder: Where the file is kept; nothing means the cache folder of the machine.

    Attributes:
        path: The file.
    """

    def __init__(
        self,
        tokenizer: CaptionTokenizer,
        chunker: Chunker,
        chunk_text: ChunkText = "pieces",
        folder: Path | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.chunker = chunker
        self.chunk_text = chunk_text
        parts = (
            _VERSION,
            chunker.identity,
            chunk_text,
            tokenizer.vocabulary.digest,
            str(tokenizer.max_words),
        )
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
        self.path = (folder or cache_folder() / "attributes") / f"{chunker.identity}-{name}.npz"

    def masks(self, captions: Sequence[str]) -> list[list[int]]:
        """Return the masks of captions, those that are not in the file found and kept.

        Args:
            captions: Captions as they were written.

        Returns:
            For each caption, for each of its ids, the number of its attribute from 1; 0 is none.
        """
        keys = [_key(caption) for caption in captions]
        known = self._read()
        new = {key: text for key, text in zip(keys, captions, strict=True) if key not in known}
        if len(new) > _CAPTIONS_AT_ONCE:
            log.info("finding the attributes of %d captions, once", len(new))
        remaining = iter(new.items())
        while batch := dict(islice(remaining, _CAPTIONS_AT_ONCE)):
            found = attribute_masks(
                list(batch.values()), self.tokenizer, self.chunker, self.chunk_text
            )
            # other processes may have added theirs meanwhile
            known = self._read() | known | dict(zip(batch, found, strict=True))
            self._write(known)
        return [known[key] for key in keys]

    def _read(self) -> Masks:
        """Return what is in the file; a damaged one is as good as none."""
        try:
            with np.load(self.path, allow_pickle=False) as file:
                keys, lengths, numbers = file["keys"], file["lengths"], file["numbers"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
            log.warning("%s is damaged and made anew: %s", self.path, error)
            return {}
        rows = np.split(numbers, np.cumsum(lengths)[:-1])
        return {key.tobytes(): row.tolist() for key, row in zip(keys, rows, strict=True)}

    def _write(self, masks: Masks) -> None:
        keys = np.frombuffer(b"".join(masks), dtype=np.uint8).reshape(-1, _DIGEST_BYTES)
        lengths = np.array([len(mask) for mask in masks.values()])
        numbers = np.fromiter(_flat(masks.values()), dtype=np.uint16)
        with atomic_path(self.path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, keys=keys, lengths=lengths, numbers=numbers)


def _key(caption: str) -> bytes:
    return hashlib.sha256(caption.encode()).digest()[:_DIGEST_BYTES]


def _flat(masks: Iterable[Sequence[int]]) -> Iterable[int]:
    return (number for mask in masks for number in mask)
