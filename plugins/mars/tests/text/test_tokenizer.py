"""From captions to the ids of word pieces."""

from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_mars.text import tokenizer as module
from lightning_face_mars.text.tokenizer import CaptionTokenizer, pad_rows

CAPTIONS = [
    "A short-sleeved shirt.",
    "",
    "café 男人 [MASK] shes",
    "x" * 101,
    "A man, in khaki shorts, carries a windbreaker & an umbrella",
]


@pytest.fixture(scope="module")
def tokenizer():
    return CaptionTokenizer(max_words=6)


def test_captions_become_pieces(tokenizer):
    tokens = [tokenizer.tokens(ids) for ids in tokenizer.encode(CAPTIONS)]
    assert tokens[0] == ["[CLS]", "a", "short", "sleeve", "##d", "shirt"]
    assert tokens[1] == ["[CLS]"]
    assert tokens[2] == ["[CLS]", "cafe", "男", "人", "[", "mask", "]", "she", "##s"]
    assert tokens[3] == ["[CLS]", "[UNK]"]
    assert tokens[4] == ["[CLS]", "a", "man", "in", "k", "##hak", "##i", "shorts", "carries"]


def test_the_pieces_are_those_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer = CaptionTokenizer()
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(tokenizer.vocabulary.tokens) + "\n")
    other = transformers.BertTokenizer(str(file))
    for caption, ids in zip(CAPTIONS, tokenizer.encode(CAPTIONS), strict=True):
        text = caption.lower().replace("-", " ").replace(",", "").replace(".", "")
        assert other(text)["input_ids"][:-1] == ids


def test_training_pads_to_the_longest_and_cuts_nothing(tokenizer):
    ids, mask = tokenizer.encode_batch(CAPTIONS)
    assert ids.shape == mask.shape == (5, 9)
    assert ids.dtype == mask.dtype == torch.int64
    assert mask.sum(1).tolist() == [6, 1, 9, 2, 9]
    assert (ids[mask == 0] == 0).all()


def test_evaluation_pads_and_cuts_to_the_number_of_words(tokenizer):
    longest, _ = tokenizer.encode_batch(CAPTIONS)
    ids, mask = tokenizer.encode_batch(CAPTIONS, padding="max_words")
    assert ids.shape == (5, 6)
    assert torch.equal(ids, longest[:, :6])
    assert mask.sum(1).tolist() == [6, 1, 6, 2, 6]


def test_no_caption_outgrows_the_positions():
    tokenizer = CaptionTokenizer(max_words=75)
    caption = " ".join(["supercalifragilisticexpialidocious"] * 75)
    assert len(tokenizer.encode([caption])[0]) == 512
    assert len(tokenizer.spans([caption])[0]) == 511


def test_many_captions_are_encoded_part_by_part(tokenizer, monkeypatch):
    expected = tokenizer.encode(CAPTIONS)
    monkeypatch.setattr(module, "_CAPTIONS_AT_ONCE", 2)
    assert tokenizer.encode(CAPTIONS) == expected
    assert tokenizer.encode([]) == []


def test_spans_lead_back_to_the_caption(tokenizer):
    (spans,) = tokenizer.spans(["A man, in KHAKI"])
    text = "a man in khaki"
    assert [text[start:end] for start, end in spans] == ["a", "man", "in", "k", "hak", "i"]


def test_a_given_vocabulary_is_used(tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nred\n##dish\n")
    tokenizer = CaptionTokenizer(file)
    assert tokenizer.vocabulary_size == 7
    assert tokenizer.encode(["Reddish red hat"]) == [[2, 5, 6, 5, 1]]


@pytest.mark.parametrize("max_words", [0, 513])
def test_a_length_that_bert_does_not_have_is_refused(max_words):
    with pytest.raises(ConfigError, match=f"max_words is {max_words}, but must lie in 1..512"):
        CaptionTokenizer(max_words=max_words)


def test_rows_are_padded():
    numbers, present = pad_rows([[1, 2], [], [3]], value=9)
    assert numbers.tolist() == [[1, 2], [9, 9], [3, 9]]
    assert present.tolist() == [[1, 1], [0, 0], [1, 0]]
    assert pad_rows([[1]], length=3)[0].tolist() == [[1, 0, 0]]
