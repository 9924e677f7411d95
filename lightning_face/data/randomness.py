"""Randomness that depends on what is drawn for, never on who draws it or in which order."""

from __future__ import annotations

import hashlib

import torch

__all__ = ["mixed_seed", "sample_generator"]


def mixed_seed(*values: int | str) -> int:
    """Turn a tuple of values into one seed of 63 bits.

    A hash rather than a sum: ``seed + epoch`` would give epoch 1 of seed 0 the randomness of
    epoch 0 of seed 1.
    """
    text = "/".join(str(value) for value in values)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def sample_generator(seed: int, epoch: int, index: int) -> torch.Generator:
    """Return the generator for the augmentation of one sample in one epoch.

    Whatever the number of workers, the rank, or the batch at which a run was taken up again,
    a sample draws the same numbers in the same epoch.

    Args:
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
        index: Index of the sample in its dataset.
    """
    return torch.Generator().manual_seed(mixed_seed("sample", seed, epoch, index))
