"""From captions to the ids of word pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_mars.text.caption import normalize_caption
from lightning_face_mars.text.vocabulary import Vocabulary, read_vocabulary

__all__ = ["MAX_POSITIONS", "CaptionTokenizer", "Padding", "pad_rows"]

Padding = Literal["longest", "max_words"]

MAX_POSITIONS = 512
"""Positions that BERT has; a caption of more word pieces is cut."""


_CAPTIONS_AT_ONCE = 4096


class CaptionTokenizer:
    """Word pieces of captions: ``[CLS]`` first and, as in training, nothing behind the last.

    Args:
        vocabulary: The word pieces, or a file of them; nothing means those of bert-base-uncased.
        max_words: Words of a caption that are kept, and ids of one in evaluation.

    Attributes:
        vocabulary: The word pieces.
        max_words: As given.

    Raises:
        ConfigError: ``max_words`` does not lie in 1..512.
        DataError: The vocabulary cannot be read.

    Source:
        BERT, section 3 (WordPiece embeddings); ALBEF and RaSa leave the final ``[SEP]`` out.
    """

    def __init__(
        self, vocabulary: Vocabulary | str | Path | None = None, max_words: int = 75
    ) -> None:
        if not 1 <= max_words <= MAX_POSITIONS:
            raise ConfigError(f"max_words is {max_words}, but must lie in 1..{MAX_POSITIONS}")
        known = vocabulary if isinstance(vocabulary, Vocabulary) else read_vocabulary(vocabulary)
        self.vocabulary = known
        self.max_words = max_words
        self._tokenizer = Tokenizer(
            WordPiece(vocab=known.ids, unk_token="[UNK]", max_input_chars_per_word=100)  # noqa: S106
        )
        self._tokenizer.normalizer = BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = BertPreTokenizer()

    @property
    def vocabulary_size(self) -> int:
        """Number of word pieces."""
        return len(self.vocabulary)

    def encode(self, captions: Sequence[str]) -> list[list[int]]:
        """Return the ids of each caption, neither padded nor cut to ``max_words`` ids.

        Args:
            captions: Captions as they were written.
        """
        return [
            [self.vocabulary.class_id, *encoding.ids][:MAX_POSITIONS]
            for encoding in self._encodings(captions)
        ]

    def spans(self, captions: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where in the normalised caption each id behind ``[CLS]`` stands.

        Args:
            captions: Captions as they were written.

        Returns:
            For each caption, for each id, its first character and the one behind its last.
        """
        return [encoding.offsets[: MAX_POSITIONS - 1] for encoding in self._encodings(captions)]

    def encode_batch(
        self, captions: Sequence[str], padding: Padding = "longest"
    ) -> tuple[Tensor, Tensor]:
        """Return the ids of captions as tensors of one length.

        Args:
            captions: Captions as they were written.
            padding: ``longest``: as long as the longest, as in training. ``max_words``: padded and
                cut to exactly ``max_words`` ids, as in evaluation.

        Returns:
            Ids and mask, both ``(captions, ids)`` int64; the mask is 1 on ids of the caption and 0
            on padding.
        """
        rows = self.encode(captions)
        if padding == "longest":
            return pad_rows(rows, self.vocabulary.pad_id)
        rows = [row[: self.max_words] for row in rows]
        return pad_rows(rows, self.vocabulary.pad_id, self.max_words)

    def tokens(self, ids: Sequence[int] | Tensor) -> list[str]:
        """Return the word pieces of ids.

        Args:
            ids: Ids ``(ids)``.
        """
        return [self.vocabulary.tokens[int(index)] for index in ids]

    def _encodings(self, captions: Sequence[str]) -> Iterator[Encoding]:
        # an encoding takes far more memory than its ids, hence not all of a data set at once
        for start in range(0, len(captions), _CAPTIONS_AT_ONCE):
            chosen = captions[start : start + _CAPTIONS_AT_ONCE]
            texts = [normalize_caption(caption, self.max_words) for caption in chosen]
            yield from self._tokenizer.encode_batch(texts)


def pad_rows(
    rows: Sequence[Sequence[int] | NDArray[np.int32]], value: int = 0, length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Lay rows of numbers below each other.

    Args:
        rows: Rows of any length.
        value: Number behind the end of a row.
        length: Length of all rows, at least that of the longest; nothing means that.

    Returns:
        The numbers and where there are any, both ``(rows, length)`` int64; the second is 1 or 0.
    """
    if length is None:
        length = max(map(len, rows), default=0)
    numbers = torch.full((len(rows), length), value, dtype=torch.long)
    present = torch.zeros((len(rows), length), dtype=torch.long)
    for index, row in enumerate(rows):
        numbers[index, : len(row)] = torch.as_tensor(row)
        present[index, : len(row)] = 1
    return numbers, present
