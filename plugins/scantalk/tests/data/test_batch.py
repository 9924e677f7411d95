"""Batches are lists."""

from __future__ import annotations

import torch

from lightning_face_scantalk.data.batch import collate_heads


def test_batches_are_lists_and_files_texts():
    samples = [
        {"vertices": torch.zeros(2, n, 3), "fps": 25, "files": ["a.wav", f"{n}.npy"]}
        for n in (4, 5)
    ]
    batch = collate_heads(samples)
    assert [each.shape for each in batch["vertices"]] == [(2, 4, 3), (2, 5, 3)]
    assert batch["fps"] == [25, 25]
    assert batch["files"] == ["a.wav with 4.npy", "a.wav with 5.npy"]
