"""Batches of sequences."""

from __future__ import annotations

import torch

from lightning_face_emovoca.data.batch import collate_sequences


def test_sequences_of_different_lengths_come_as_lists():
    samples = [{"landmarks": torch.zeros(n, 68, 3), "files": f"{n}.npy"} for n in (3, 5)]
    batch = collate_sequences(samples)
    assert [len(each) for each in batch["landmarks"]] == [3, 5]
    assert batch["files"] == ["3.npy", "5.npy"]
