"""Captions with their attributes marked, for a terminal or a plain file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

__all__ = ["mark_attributes"]

# colours of a terminal that are seen on dark and light, bold
_COLORS = (31, 32, 34, 35, 36, 33)


def mark_attributes(tokens: Sequence[str], mask: Sequence[int], color: bool) -> str:
    """Write the words of a caption so that its attributes are seen.

    Args:
        tokens: Word pieces, with or without special ones.
        mask: Number of the attribute of each; 0 is none.
        color: Whether to use colours of a terminal; otherwise an attribute stands in brackets,
            with its number behind it.

    Returns:
        One line; pieces that go on with a word are joined to it.
    """
    line = ""
    pairs = zip(tokens, mask, strict=True)
    for number, group in groupby(pairs, key=lambda pair: pair[1]):
        first, *others = (token for token, _ in group)
        words = first.removeprefix("##")
        for token in others:
            words += token.removeprefix("##") if token.startswith("##") else f" {token}"
        gap = "" if first.startswith("##") or not line else " "
        line += gap + _marked(words, number, color)
    return line


def _marked(words: str, number: int, color: bool) -> str:
    if not number:
        return words
    if color:
        return f"\x1b[1;{_COLORS[(number - 1) % len(_COLORS)]}m{words}\x1b[0m"
    return f"[{words}]{number}"
