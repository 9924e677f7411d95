"""Captions as the text encoder was trained to see them."""

from __future__ import annotations

import re

__all__ = ["normalize_caption"]

_DELETED = re.compile(r"[,.'!?\"()*#:;~]")
_RUN_OF_SPACE = re.compile(r"\s{2,}")


def normalize_caption(text: str, max_words: int) -> str:
    r"""Lower the case of a caption, take out its punctuation and keep its first words.

    ``, . ' ! ? " ( ) * # : ; ~`` are deleted, ``-`` and ``/`` become spaces, ``<person>`` becomes
    ``person``. Other signs stay and become tokens of their own.

    Args:
        text: Caption as it was written.
        max_words: Words to keep, counted by the spaces between them.

    Returns:
        The words, divided by single spaces; a lone tab or line break within stays.

    Source:
        ALBEF (NeurIPS 2021) and RaSa (IJCAI 2023), preparation of captions in the published code.
    """
    text = _DELETED.sub("", text.lower())
    text = text.replace("-", " ").replace("/", " ").replace("<person>", "person")
    text = _RUN_OF_SPACE.sub(" ", text).rstrip("\n").strip(" ")
    return " ".join(text.split(" ")[:max_words])
