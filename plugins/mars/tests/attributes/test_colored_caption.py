"""Captions with their attributes marked."""

from __future__ import annotations

from lightning_face_mars.attributes.colored_caption import mark_attributes

TOKENS = ["a", "purple", "down", "jack", "##et", "and", "a", "rain", "##coat", "##s"]
MASK = [0, 1, 0, 1, 1, 0, 0, 2, 0, 3]


def test_brackets_carry_numbers():
    marked = "a [purple]1 down [jacket]1 and a [rain]2coat[s]3"
    assert mark_attributes(TOKENS, MASK, color=False) == marked


def test_colours_change_with_the_number_and_end():
    line = mark_attributes(TOKENS, MASK, color=True)
    assert line.startswith(
        "a \x1b[1;31mpurple\x1b[0m down \x1b[1;31mjacket\x1b[0m and a \x1b[1;32m"
    )
    assert line.count("\x1b[0m") == 4


def test_an_empty_caption_is_an_empty_line():
    assert mark_attributes([], [], color=True) == ""
