"""Clips of a split as the networks take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lightning_face.data.randomness import sample_generator
from lightning_face_eventvit.data.alignment import ShiftMode, shift_indices
from lightning_face_eventvit.data.alpha_track import fill_holes
from lightning_face_eventvit.data.clip import (
    crop_indices,
    pad_front,
    resize_indices,
    sample_window,
    take_frames,
)
from lightning_face_eventvit.data.clip_cache import ClipCache
from lightning_face_eventvit.data.clip_source import ClipSource
from lightning_face_eventvit.data.crop import Crop, random_crop
from lightning_face_eventvit.data.records import ClipRecord

__all__ = ["ClipDataset", "ClipSampling", "StoredClips"]


@dataclass(frozen=True)
class ClipSampling:
    """How a clip is taken from its window.

    Args:
        num_frames: Frames of a clip.
        image_size: Side of a clip in pixels.
        sampling: ``first``, ``uniform`` or ``random-window``.
        random: Draw the start of random windows; otherwise the middle is taken.
        crop: Draw crops; otherwise the stored frames have the size of a clip already.
        shared_crop: Draw one crop for both modalities.
        shift_mode: ``true`` or ``legacy``.
        seed: Seed of everything drawn.
        frozen: Draw in every epoch what the first one draws, for overfitting on purpose.
    """

    num_frames: int
    image_size: int
    sampling: Literal["first", "uniform", "random-window"] = "first"
    random: bool = False
    crop: bool = False
    shared_crop: bool = True
    shift_mode: ShiftMode = "true"
    seed: int = 0
    frozen: bool = False


@dataclass(frozen=True)
class StoredClips:
    """Stored frames of one modality.

    Args:
        cache: The frames, clip by clip.
        source: What was stored.
        shift: Frames by which the modality comes too late.
    """

    cache: ClipCache
    source: ClipSource
    shift: int = 0


class ClipDataset(Dataset[dict[str, Any]]):
    """Clips with labels; what a sample is depends on (seed, epoch, index) alone.

    Args:
        records: The clips.
        stored: Frames of each modality, under ``event`` and ``rgb``.
        sampling: How a clip is taken from its window.
    """

    def __init__(
        self,
        records: list[ClipRecord],
        stored: dict[Literal["event", "rgb"], StoredClips],
        sampling: ClipSampling,
    ) -> None:
        self.records = records
        self.stored = stored
        self.sampling = sampling
        self.epoch = 0

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.records)

    def set_epoch(self, epoch: int) -> None:
        """Select the epoch of the samples that are read from now on."""
        self.epoch = 0 if self.sampling.frozen else epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sample, see :class:`FacemorphicDataModule`.

        Args:
            index: Number of the clip.

        Raises:
            DataError: If the stored frames are damaged.
        """
        record = self.records[index]
        settings = self.sampling
        generator = sample_generator(settings.seed, self.epoch, index)
        start, stop = record.window
        draw = float(torch.rand((), generator=generator)) if settings.random else 0.5
        chosen = sample_window(stop - start, settings.num_frames, settings.sampling, draw)
        frames = start + chosen
        sample: dict[str, Any] = {}
        valid = np.zeros(settings.num_frames, dtype=bool)
        crop = None
        for modality, stored in self.stored.items():
            if settings.crop and (crop is None or not settings.shared_crop):
                crop = random_crop(stored.source.resize, generator)
            late = shift_indices(frames, stored.shift, settings.num_frames, settings.shift_mode)
            valid |= late >= 0
            sample[modality] = torch.from_numpy(self._pixels(index, record, stored, late, crop))
        sample["frame_valid"] = torch.from_numpy(valid)
        sample["label"] = record.label
        if record.track is not None:
            places = pad_front(frames, settings.num_frames)
            filled = fill_holes(*record.track).astype(np.float32)
            sample["alpha"] = torch.from_numpy(take_frames(filled, places))
            sample["alpha_valid"] = torch.from_numpy(take_frames(record.track.valid, places))
        sample["user"] = record.clip.user
        sample["files"] = " with ".join(
            str(stored.source.origin(record)) for stored in self.stored.values()
        )
        return sample

    def _pixels(
        self,
        index: int,
        record: ClipRecord,
        stored: StoredClips,
        frames: NDArray[np.int64],
        crop: Crop | None,
    ) -> NDArray[np.uint8]:
        """Return frames ``(num_frames, channels, image_size, image_size)`` of a modality."""
        clip = stored.cache[index]
        first, _ = stored.source.stored_range(record)
        there = frames >= 0
        pixels = clip[frames[there] - first]
        if crop is not None:
            size = self.sampling.image_size
            # crops are drawn in the resized square, which small frames are not stored as
            whole = resize_indices(clip.shape[-1], stored.source.resize)
            rows = whole[crop_indices(crop.top, crop.height, size)]
            columns = whole[crop_indices(crop.left, crop.width, size)]
            pixels = pixels.take(rows, axis=2).take(columns, axis=3)
        padded = np.zeros((len(frames), *pixels.shape[1:]), dtype=np.uint8)
        padded[there] = pixels
        return padded
