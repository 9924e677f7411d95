"""A loader that can be taken up again at the batch where a run was cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from lightning_face.data.randomness import mixed_seed
from lightning_face.data.sampler import EpochSampler
from lightning_face.errors import CheckpointError

__all__ = ["ResumableLoader"]


class ResumableLoader:
    """Batches of a dataset in the order of an :class:`EpochSampler`, with a state to save.

    Lightning stores the state of the training loader in the checkpoint and calls ``set_epoch``
    of ``batch_sampler.sampler``. The epoch travels with every index into the workers, where
    ``dataset.set_epoch(epoch)`` is called before the first sample of it, so that workers which
    live on, or fetch ahead, know the epoch of each sample.

    Args:
        dataset: Map-style dataset. A method ``set_epoch(epoch: int)`` is optional.
        sampler: Order of the batches.
        num_workers: Number of worker processes; 0 reads in this process.
        collate_fn: Makes a batch of a list of samples; torch's default if left out.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        sampler: EpochSampler,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_sampler = _EpochBatches(sampler)
        self._generator = torch.Generator()
        self._loader: DataLoader[Any] = DataLoader(
            dataset=_EpochItems(dataset),
            batch_sampler=self.batch_sampler,
            num_workers=num_workers,
            collate_fn=collate_fn,
            generator=self._generator,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=num_workers > 0,
        )
        self._position = (0, 0)

    def __len__(self) -> int:
        """Number of batches of a whole epoch."""
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rest of the epoch, which is all of it unless a state was loaded."""
        # A generator begins at the first next(): Lightning asks for the iterator of a resumed
        # run before it sets the epoch.
        sampler = self.batch_sampler.sampler
        epoch = sampler.epoch
        batch = sampler.start
        self._generator.manual_seed(mixed_seed("workers", sampler.seed, epoch, sampler.rank))
        iterator = iter(self._loader)
        sampler.start = 0
        self._position = (epoch, batch)
        for item in iterator:
            batch += 1
            self._position = (epoch, batch)
            yield item

    def state_dict(self) -> dict[str, int]:
        """Return the epoch, the number of batches handed out, and what the order depends on."""
        sampler = self.batch_sampler.sampler
        epoch, batch = self._position
        if epoch != sampler.epoch:
            epoch, batch = sampler.epoch, sampler.start
        return {"epoch": epoch, "batch": batch, "batches": len(self), **self._identity()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue behind the batch at which ``state`` was taken.

        Args:
            state: Value of :meth:`state_dict`.

        Raises:
            CheckpointError: If the order of the batches is not the one of the saved run.
        """
        for name, value in self._identity().items():
            if state[name] != value:
                raise CheckpointError(
                    f"the checkpoint was written inside an epoch with {name} {state[name]}, now it "
                    f"is {value}: continue with the same data settings and number of processes, or "
                    "from the checkpoint of an epoch's end"
                )
        self.batch_sampler.sampler.epoch = state["epoch"]
        self.batch_sampler.sampler.start = state["batch"]
        self._position = (state["epoch"], state["batch"])

    def _identity(self) -> dict[str, int]:
        sampler = self.batch_sampler.sampler
        return {
            "size": sampler.size,
            "batch_size": sampler.batch_size,
            "world_size": sampler.world_size,
            "seed": sampler.seed,
        }


class _EpochItems(Dataset[Any]):
    """Dataset under keys ``(epoch, index)``."""

    def __init__(self, dataset: Dataset[Any]) -> None:
        self.dataset = dataset
        self.epoch: int | None = None

    def __getitem__(self, key: tuple[int, int]) -> Any:  # noqa: ANN401
        epoch, index = key
        if epoch != self.epoch:
            self.epoch = epoch
            if hasattr(self.dataset, "set_epoch"):
                self.dataset.set_epoch(epoch)
        return self.dataset[index]


class _EpochBatches:
    """Batches of keys ``(epoch, index)``."""

    def __init__(self, sampler: EpochSampler) -> None:
        self.sampler = sampler

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.sampler.epoch
        return iter([[(epoch, index) for index in batch] for batch in self.sampler])
