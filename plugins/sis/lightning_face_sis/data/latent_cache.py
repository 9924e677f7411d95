"""Latents of training pictures, computed once and kept on the disk."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.cache import cache_folder
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.dataset import LabelledImages

__all__ = ["LatentCache"]

log = logging.getLogger(__name__)

# pictures whose latents are in a file
SHARD = 256
_BATCH = 8
_VERSION = 1


class LatentCache:
    """Latents of the pictures of a dataset, in half precision, mapped from the disk.

    They lie in ``latents`` in the cache folder of Lightning Face and may be deleted. Those of other
    weights, sizes or files have a folder of their own. They are written file by file, so that what
    a run that was stopped has done is not done again.

    Args:
        dataset: Pictures that are read the same way in every epoch.
        weights: Tensors of the first stage by name.

    Raises:
        ConfigError: Pictures are mirrored or cut by chance.
        DataError: A picture is missing.
    """

    def __init__(self, dataset: LabelledImages, weights: Mapping[str, Tensor]) -> None:
        if not dataset.is_deterministic:
            raise ConfigError(
                "model.latent_cache needs pictures that look the same in every epoch: set data.flip"
                " to false, and data.load_size to data.crop_size"
            )
        self.dataset = dataset
        self.folder = cache_folder() / "latents" / _key(dataset, weights)
        self._rows = {str(each.image): row for row, each in enumerate(dataset.pictures)}
        self._shards: dict[int, NDArray[np.float16]] = {}

    @property
    def num_shards(self) -> int:
        """Number of files."""
        return -(-len(self.dataset) // SHARD)

    def fill(self, encode: Callable[[Tensor], Tensor], part: int = 0, parts: int = 1) -> None:
        """Compute what is not there yet.

        Args:
            encode: Maps pictures ``(batch, 3, height, width)`` to latents.
            part: Number of this process, which computes every ``parts``-th file.
            parts: Number of processes that share the work.

        Raises:
            DataError: A picture is damaged.
        """
        missing = [
            shard for shard in range(part, self.num_shards, parts) if self._read(shard) is None
        ]
        if missing:
            log.info("computing latents of the training pictures into %s", self.folder)
        for shard in missing:
            rows = range(shard * SHARD, min((shard + 1) * SHARD, len(self.dataset)))
            latents = [
                encode(torch.stack([self.dataset[row]["images"] for row in rows[start:][:_BATCH]]))
                for start in range(0, len(rows), _BATCH)
            ]
            with atomic_path(self._file(shard)) as temporary, temporary.open("wb") as file:
                np.save(file, torch.cat(latents).cpu().half().numpy())

    def read(self, files: Sequence[str]) -> Tensor:
        """Give the latents of some pictures.

        Args:
            files: Their files.

        Returns:
            Latents ``(pictures, channels, height, width)``, float32.

        Raises:
            DataError: A file of the cache is missing or damaged, or a picture is not in it.
        """
        found = []
        for file in files:
            if file not in self._rows:
                raise DataError(f"{file} is none of the training pictures that latents are kept of")
            shard, row = divmod(self._rows[file], SHARD)
            if shard not in self._shards:
                kept = self._read(shard)
                if kept is None:
                    raise DataError(
                        f"{self._file(shard)} is missing or damaged: delete it and start the run "
                        "again"
                    )
                self._shards[shard] = kept
            found.append(torch.from_numpy(self._shards[shard][row].astype(np.float32)))
        return torch.stack(found)

    def _file(self, shard: int) -> Path:
        return self.folder / f"{shard:05d}.npy"

    def _read(self, shard: int) -> NDArray[np.float16] | None:
        """Map a file; None if it has to be made."""
        rows = min(SHARD, len(self.dataset) - shard * SHARD)
        try:
            kept: NDArray[np.float16] = np.load(
                self._file(shard), mmap_mode="r", allow_pickle=False
            )
        except (OSError, ValueError, EOFError):
            return None
        fits = kept.ndim == 4 and kept.dtype == np.float16 and len(kept) == rows
        return kept if fits else None


def _key(dataset: LabelledImages, weights: Mapping[str, Tensor]) -> str:
    """Give a name that changes with everything that latents depend on."""
    digest = hashlib.sha256(repr((_VERSION, SHARD, dataset.preprocessing)).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        # NumPy does not know all precisions
        digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy().tobytes())
    for picture in dataset.pictures:
        try:
            state = picture.image.stat()
        except OSError as error:
            raise DataError(f"{picture.image} is missing") from error
        words = (str(picture.image.resolve()), state.st_size, state.st_mtime_ns)
        digest.update(repr(words).encode())
    return digest.hexdigest()
