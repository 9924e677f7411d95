"""The base class of the data modules: where the data lie and how they are loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch import LightningDataModule
from torch.utils.data import Dataset

from lightning_face.data.loader import ResumableLoader
from lightning_face.data.sample import cached_sample
from lightning_face.data.sampler import EpochSampler
from lightning_face.errors import DataError

__all__ = ["FaceDataModule"]

log = logging.getLogger(__name__)


class FaceDataModule(LightningDataModule):
    """LightningDataModule with a bundled sample and loaders that resume exactly.

    A subclass says where its dataset is to be had, names its sample, writes it in the layout of
    the real dataset, builds its datasets from ``self.folder`` in ``setup`` and returns
    ``self.loader(dataset, train=...)`` from the ``*_dataloader`` methods. Sizes that a model
    declares are plain attributes.

    Args:
        root: Folder of the dataset; nothing means the bundled synthetic sample.
        batch_size: Samples per batch and process.
        num_workers: Worker processes per loader; 0 reads in the process that trains.
        seed: Seed of the order of the samples and of their augmentation.
    """

    sample_name: ClassVar[str]
    sample_version: ClassVar[str] = "1"
    dataset_source: ClassVar[str] = "the dataset"

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 8,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.root = root
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample, the same in every call, in the layout of the real dataset.

        Args:
            root: Empty folder to fill.
        """
        raise DataError(
            f"{type(self).__name__} has no bundled sample: set data.root to the dataset"
        )

    def prepare_data(self) -> None:
        """Write the sample where it is needed; called once per machine."""
        if self.root is None:
            log.info("data.root is not set: using the bundled synthetic sample in %s", self.folder)

    @property
    def folder(self) -> Path:
        """Folder of the dataset, or of the bundled sample.

        Raises:
            DataError: If ``root`` is not a folder.
        """
        if self.root is None:
            return cached_sample(self.sample_name, self.write_sample, version=self.sample_version)
        folder = Path(self.root).expanduser()
        if not folder.is_dir():
            raise DataError(
                f"data.root is not a folder: {folder}; get {self.dataset_source} and put it there, "
                "or leave data.root out to use the bundled sample"
            )
        return folder

    def loader(
        self,
        dataset: Dataset[Any],
        train: bool,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        batch_size: int | None = None,
    ) -> ResumableLoader:
        """Return the loader of a dataset for this process.

        Training shuffles and leaves out what does not fill a batch on every process; evaluation
        keeps the order and sees every sample once.

        Args:
            dataset: Map-style dataset with a length.
            train: Whether the loader is for training.
            collate_fn: Makes a batch of a list of samples; torch's default if left out.
            batch_size: Samples per batch and process; that of the module if left out.

        Raises:
            DataError: If the dataset is too small for one batch.
        """
        sampler = EpochSampler(
            size=len(dataset),  # type: ignore[arg-type]
            batch_size=self.batch_size if batch_size is None else batch_size,
            shuffle=train and not getattr(self.trainer, "overfit_batches", 0),
            drop_last=train,
            seed=self.seed,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
        )
        return ResumableLoader(dataset, sampler, self.num_workers, collate_fn)
