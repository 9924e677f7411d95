"""Batch order as a pure function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from lightning_face.data.randomness import mixed_seed
from lightning_face.errors import DataError

__all__ = ["EpochSampler"]


class EpochSampler(Sampler[list[int]]):
    """Yields the batches of one epoch for one process, from any batch on.

    The order of the samples depends on ``(seed, epoch)`` alone. Process ``rank`` takes every
    ``world_size``-th sample of it, so all processes together see every sample once, and all
    have the same number of batches, without which collective operations would wait forever.
    For that, the last batch of a process that has one sample fewer begins one sample earlier;
    only where a process has fewer samples than batches is its last sample repeated.

    Args:
        size: Number of samples in the dataset.
        batch_size: Samples per batch and process.
        shuffle: Draw a new order in every epoch; otherwise keep the dataset's.
        drop_last: Leave out the samples that do not fill a batch on every process.
        seed: Seed of the order.
        rank: Number of this process.
        world_size: Number of processes.

    Raises:
        DataError: If there is no sample, or none is left after ``drop_last``.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        smallest = batch_size * world_size if drop_last else 1
        if size < smallest:
            raise DataError(
                f"{size} samples do not make one batch of {batch_size} on {world_size} "
                "process(es): add data or lower the batch size"
            )
        self.size = size
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self.start = 0

    def set_epoch(self, epoch: int) -> None:
        """Select the epoch; another one than before begins at its first batch.

        Args:
            epoch: Number of the epoch, from 0.
        """
        if epoch != self.epoch:
            self.epoch = epoch
            self.start = 0

    def order(self) -> list[int]:
        """Indices of all samples in the order of the current epoch, over all processes."""
        if not self.shuffle:
            return list(range(self.size))
        generator = torch.Generator().manual_seed(mixed_seed("order", self.seed, self.epoch))
        return torch.randperm(self.size, generator=generator).tolist()

    def __len__(self) -> int:
        """Number of batches of a whole epoch, equal on all processes."""
        together = self.batch_size * self.world_size
        return self.size // together if self.drop_last else -(-self.size // together)

    def __iter__(self) -> Iterator[list[int]]:
        """Iterate over the batches of the current epoch from batch ``start`` on."""
        count = len(self)
        mine = self.order()[self.rank :: self.world_size]
        if self.drop_last:
            mine = mine[: count * self.batch_size]
        elif len(mine) < count:
            # at most one short: with one sample a batch there is none to take from the batch before
            mine = [*mine, *(mine or self.order())[-1:]]
        bounds = [batch * self.batch_size for batch in range(count)] + [len(mine)]
        bounds[-2] = min(bounds[-2], len(mine) - 1)
        batches = [mine[bounds[i] : bounds[i + 1]] for i in range(self.start, count)]
        return iter(batches)
