"""Captions as the text encoder was trained to see them."""

from __future__ import annotations

import pytest

from lightning_face_mars.text.caption import normalize_caption


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A Man, walking.", "a man walking"),
        ("She's in a knee-length/blue skirt!", "shes in a knee length blue skirt"),
        ('<person> #1 (*old*) "hat": yes; no? ~', "person 1 old hat yes no"),
        ("two   spaces \n\n between", "two spaces between"),
        ("  ends  \n", "ends"),
        ("a\ttab alone stays", "a\ttab alone stays"),
        ("50% & [mask] {curly} under_score", "50% & [mask] {curly} under_score"),
        ("?!.", ""),
        ("", ""),
    ],
)
def test_a_caption_is_normalised(caption, expected):
    assert normalize_caption(caption, 75) == expected


def test_the_first_words_are_kept():
    assert normalize_caption("one two, three four", 3) == "one two three"
    assert normalize_caption("one two", 3) == "one two"


def test_a_normalised_caption_stays_as_it_is():
    once = normalize_caption("A woman, in a knee-length coat / <person>...", 5)
    assert normalize_caption(once, 5) == once
