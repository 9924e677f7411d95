"""Masks are found once per caption."""

from __future__ import annotations

import logging

import pytest

from lightning_face_mars.attributes import attribute_cache
from lightning_face_mars.attributes.attribute_cache import AttributeCache
from lightning_face_mars.attributes.attribute_masks import attribute_masks
from lightning_face_mars.text.tokenizer import CaptionTokenizer

CAPTIONS = ["A red hat.", "A tall man in a blue coat", "Nobody", "A red hat.", ""]


def test_masks_are_those_of_the_chunker(tokenizer, chunker, tmp_path):
    cache = AttributeCache(tokenizer, chunker, folder=tmp_path)
    expected = list(attribute_masks(CAPTIONS, tokenizer, chunker))
    assert cache.masks(CAPTIONS) == expected
    assert cache.masks(CAPTIONS[::-1]) == expected[::-1]
    assert cache.masks([]) == []


def test_a_caption_is_parsed_once(tokenizer, chunker, tmp_path):
    AttributeCache(tokenizer, chunker, folder=tmp_path).masks(CAPTIONS[:3])
    assert len(chunker.texts) == 3
    AttributeCache(tokenizer, chunker, folder=tmp_path).masks(CAPTIONS)
    assert chunker.texts[3:] == [""]


def test_what_the_masks_depend_on_has_its_own_file(tokenizer, chunker, tmp_path):
    other = type(chunker)("other")
    short = CaptionTokenizer(tokenizer.vocabulary, max_words=3)
    paths = {
        AttributeCache(tokenizer, chunker, folder=tmp_path).path,
        AttributeCache(tokenizer, chunker, "caption", tmp_path).path,
        AttributeCache(tokenizer, other, folder=tmp_path).path,
        AttributeCache(short, chunker, folder=tmp_path).path,
    }
    assert len(paths) == 4


def test_work_of_a_killed_process_is_kept(tokenizer, chunker, tmp_path, monkeypatch):
    monkeypatch.setattr(attribute_cache, "_CAPTIONS_AT_ONCE", 2)
    cache = AttributeCache(tokenizer, chunker, folder=tmp_path)
    captions = [f"a red hat and {number} blue coats" for number in range(5)]
    with monkeypatch.context() as patch:

        def killed(*arguments):
            if len(chunker.texts) >= 4:
                raise KeyboardInterrupt
            return attribute_masks(*arguments)

        patch.setattr(attribute_cache, "attribute_masks", killed)
        with pytest.raises(KeyboardInterrupt):
            cache.masks(captions)
    assert len(chunker.texts) == 4
    cache.masks(captions)
    assert len(chunker.texts) == 5


def test_a_damaged_file_is_made_anew(tokenizer, chunker, tmp_path, caplog):
    cache = AttributeCache(tokenizer, chunker, folder=tmp_path)
    expected = cache.masks(CAPTIONS)
    content = cache.path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"no archive at all"):
        cache.path.write_bytes(damaged)
        with caplog.at_level(logging.WARNING):
            assert cache.masks(CAPTIONS) == expected
        assert f"{cache.path} is damaged and made anew" in caplog.text
        caplog.clear()


def test_it_lies_in_the_cache_folder(tokenizer, chunker, tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    cache = AttributeCache(tokenizer, chunker)
    cache.masks(["a red hat"])
    assert cache.path.parent == tmp_path / "attributes"
    assert [path.name for path in cache.path.parent.iterdir()] == [cache.path.name]
