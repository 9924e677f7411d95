"""The word pieces a text encoder knows."""

from __future__ import annotations

import hashlib

import pytest

from lightning_face.errors import DataError
from lightning_face_mars.text import vocabulary
from lightning_face_mars.text.vocabulary import packaged_vocabulary, read_vocabulary

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "##dish"]


def test_the_packaged_vocabulary_is_that_of_bert():
    words = packaged_vocabulary()
    assert len(words) == 30522
    ids = (words.pad_id, words.unknown_id, words.class_id, words.mask_id)
    assert ids == (0, 100, 101, 103)
    assert words.tokens[2023] == "this"


@pytest.mark.parametrize("name", [None, "bert-base-uncased"])
def test_the_packaged_one_is_the_default_and_has_a_name(name):
    assert read_vocabulary(name) == packaged_vocabulary()


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_file_is_read(tmp_path, end):
    file = tmp_path / "vocab.txt"
    separator = end or "\n"
    content = (separator.join(WORDS) + end).encode()
    file.write_bytes(content)
    words = read_vocabulary(file)
    assert list(words.tokens) == WORDS
    assert words.digest == hashlib.sha256(content).hexdigest()
    assert words.ids["##dish"] == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "is empty"),
        ([*WORDS, "red"], "names 'red' twice"),
        (["red", *WORDS[:5]], r"begins with 'red', but id 0 must be \[PAD\]"),
        (WORDS[:1] + WORDS[2:4] + WORDS[5:], r"lacks \[UNK\], \[MASK\]"),
    ],
)
def test_a_useless_file_is_refused(tmp_path, words, message):
    file = tmp_path / "vocab.txt"
    file.write_text("".join(f"{word}\n" for word in words))
    with pytest.raises(DataError, match=f"vocab.txt.*{message}"):
        read_vocabulary(file)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"vocab\.txt is not UTF-8"):
        read_vocabulary(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.txt cannot be read: .*; name a vocab\.txt"):
        read_vocabulary(tmp_path / "gone.txt")


def test_another_installed_file_is_not_taken_for_berts(monkeypatch):
    monkeypatch.setattr(vocabulary, "_PACKAGED_DIGEST", "0" * 64)
    with pytest.raises(DataError, match="is not that of bert-base-uncased: pip install"):
        packaged_vocabulary()
