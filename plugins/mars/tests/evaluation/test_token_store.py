"""Tokens in a file."""

from __future__ import annotations

import gc

import torch

from lightning_face_mars.evaluation.token_store import TokenStore


def test_batches_come_back_rounded_and_in_order(tmp_path):
    store = TokenStore(tmp_path)
    written = [torch.randn(size, 5, 4) for size in (3, 1, 2)]
    for batch in written:
        store.append(batch)
    read = list(store.batches())
    for expected, actual in zip(written, read, strict=True):
        assert torch.equal(actual, expected.bfloat16())


def test_the_file_goes_with_the_object(tmp_path):
    store = TokenStore(tmp_path)
    store.append(torch.zeros(1, 2, 3))
    assert [*tmp_path.iterdir()]
    del store
    gc.collect()
    assert not [*tmp_path.iterdir()]
