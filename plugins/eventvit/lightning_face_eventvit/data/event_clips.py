"""Clips of recordings, frame folders and videos for prediction."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from lightning.pytorch import LightningDataModule, LightningModule
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lightning_face.data import EpochSampler, ResumableLoader
from lightning_face.errors import ConfigError
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.data.frame_source import FrameSettings, source_frames
from lightning_face_eventvit.data.layout import list_users, scan_recordings

__all__ = ["EventClipsDataModule", "SourceClips", "clip_starts", "model_modality", "store_frames"]

_NUM_FRAMES, _IMAGE_SIZE = 50, 224

log = logging.getLogger(__name__)


class EventClipsDataModule(LightningDataModule):
    """Clips cut out of anything with a face in it, for ``lightning-face predict``.

    A source is an event recording (RAW, DAT, HDF5, AEDAT4 or npz), a folder of frames, or a video
    for models of RGB. Recordings are read in blocks and kept as reduced frames in a temporary
    file, so that their length does not matter. A batch is a dictionary::

        event or rgb  uint8 (batch, frames, 1 or 3, height, width)
        frame_valid   bool (batch, frames)   False for the frames of zeros in front of short clips
        start, end    float64 (batch,)       seconds from the first frame of the source
        files         list[str]              the sources

    Args:
        source: Files and folders to predict; null takes recordings of one person of the bundled
            synthetic sample.
        num_frames: Frames of a clip; null takes the model's where it has some, else 50.
        stride: Frames from the begin of a clip to that of the next; null cuts clips without
            overlap. The last clip of a source ends with it.
        image_size: Side in pixels of a frame, or its height and width; null takes the model's.
        modality: ``event`` or ``rgb``; null takes the model's.
        representation: Event frames: ``dark`` or ``tbr``.
        frame_rate: Event frames per second.
        resize: Side in pixels of the square between sensor and frame; null takes 360, as
            published, for frames of 200 pixels and more, and no such step for smaller ones.
        errors: ``raise`` refuses damaged recordings, ``salvage`` takes what precedes the damage.
        batch_size: Clips per batch and process.
        num_workers: Worker processes.
    """

    def __init__(
        self,
        source: list[str] | str | None = None,
        num_frames: int | None = None,
        stride: int | None = None,
        image_size: int | list[int] | None = None,
        modality: Literal["event", "rgb"] | None = None,
        representation: Literal["dark", "tbr"] = "dark",
        frame_rate: float = 30.0,
        resize: int | None = None,
        errors: Literal["raise", "salvage"] = "raise",
        batch_size: int = 4,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        for name, value in (("num_frames", num_frames), ("stride", stride)):
            if value is not None and value < 1:
                raise ConfigError(f"data.{name} {value} is below 1")
        self.source = [source] if isinstance(source, str) else source
        self._num_frames = num_frames
        self.stride = stride
        self._image_size = image_size
        self._modality = modality
        self.representation = representation
        self.frame_rate = frame_rate
        self.resize = resize
        self.errors = errors
        self.batch_size = batch_size
        self.num_workers = num_workers

    def setup(self, stage: str) -> None:
        """Read the sources and cut them into clips.

        Args:
            stage: ``predict``.

        Raises:
            ConfigError: If there is no source, the stage is another one, or the model has no size.
            DataError: If a source is missing, damaged, or not of the model's modality.
        """
        if stage != "predict":
            raise ConfigError(f"event-clips have no labels: they are for predict, not for {stage}")
        self.predict_set = self.clips(
            None if self.trainer is None else self.trainer.lightning_module
        )

    def predict_dataloader(self) -> ResumableLoader:
        """Loader of the clips, source by source."""
        sampler = EpochSampler(
            size=len(self.predict_set),
            batch_size=self.batch_size,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
        )
        return ResumableLoader(self.predict_set, sampler, num_workers=self.num_workers)

    def clips(self, model: LightningModule | None) -> SourceClips:
        """Read the sources and cut them into clips for a model.

        Args:
            model: The model that will see the clips, if there is one.

        Raises:
            ConfigError: If there is no source, or neither settings nor model tell a size.
            DataError: If a source is missing, damaged, or not of the model's modality.
        """
        if self.source is None:
            sources = self._sample_recordings()
        else:
            sources = [Path(source).expanduser() for source in self.source]
        if not sources:
            raise ConfigError("data.source is empty: name recordings, frame folders or videos")
        num_frames = self.num_frames_for(model)
        settings = self.frame_settings(model)
        return SourceClips(sources, settings, num_frames, self.stride or num_frames)

    def _sample_recordings(self) -> list[Path]:
        """Return one recording of each action of somebody whom models are not trained on."""
        folder = FacemorphicDataModule().folder
        recordings = {
            clip.action_unit: clip.recording
            for clip in scan_recordings(folder)
            if clip.user == list_users(folder)[0] and clip.recording is not None
        }
        if self.trainer is None or self.trainer.is_global_zero:
            log.info("data.source is not set: using recordings of the bundled sample in %s", folder)
        return list(recordings.values())

    def num_frames_for(self, model: LightningModule | None) -> int:
        """Number of frames of a clip: as set, else the model's own, else 50."""
        own = (_hparam(model, name) for name in ("num_frames", "max_frames"))
        return self._num_frames or next((frames for frames in own if frames), _NUM_FRAMES)

    def frame_settings(self, model: LightningModule | None) -> FrameSettings:
        """Complete the settings of the frames by those of a model.

        Args:
            model: The model that will see the frames; without one, event frames of 224 pixels.

        Raises:
            ConfigError: If neither the settings nor the model tell a size or modality.
        """
        size = self._image_size or _hparam(model, "image_size")
        if model is None:
            size = size or _IMAGE_SIZE
        if size is None:
            raise ConfigError("the model does not tell the size of its frames: set data.image_size")
        height, width = (size, size) if isinstance(size, int) else size
        return FrameSettings(
            modality=self._modality or ("event" if model is None else model_modality(model)),
            height=height,
            width=width,
            frame_rate=self.frame_rate,
            representation=self.representation,
            resize=self.resize,
            errors=self.errors,
        )


def model_modality(model: LightningModule) -> Literal["event", "rgb"]:
    """Tell which modality a model needs for predictions.

    Args:
        model: A model with hyperparameters ``modality``, or ``privileged`` for one that is only
            seen in training.

    Raises:
        ConfigError: If the model does not tell, or needs both.
    """
    modality = _hparam(model, "modality")
    if modality is None and _hparam(model, "privileged") is not None:
        modality = {"rgb": "event", "event": "rgb"}[_hparam(model, "privileged")]
    if modality not in ("event", "rgb"):
        raise ConfigError(
            f"{type(model).__name__} does not see clips of one modality: predict with the "
            "facemorphic data"
        )
    return modality


def _hparam(model: LightningModule | None, name: str) -> Any:  # noqa: ANN401
    """Read a hyperparameter, None where there is none."""
    return None if model is None else model.hparams.get(name)


class StoredFrames(NamedTuple):
    """All frames of a source.

    Attributes:
        frames: ``(frames, channels, height, width)``, memory-mapped.
        times: Begin of each frame in seconds, and the end of the last one, ``(frames + 1,)``.
    """

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]


def store_frames(
    frames: Iterable[tuple[float, NDArray[np.uint8]]], frame_rate: float
) -> StoredFrames:
    """Put frames into a temporary file, which goes away with the array.

    Args:
        frames: Times in seconds and frames ``(channels, height, width)``, at least one.
        frame_rate: Frames per second where there is only one frame.
    """
    times: list[float] = []
    shape: tuple[int, ...] = ()
    with tempfile.TemporaryFile() as file:
        for seconds, frame in frames:
            times.append(seconds)
            shape = frame.shape
            file.write(frame.tobytes())
        file.flush()
        stored = np.memmap(file, dtype=np.uint8, mode="r", shape=(len(times), *shape))
    interval = float(np.mean(np.diff(times))) if len(times) > 1 else 1 / frame_rate
    return StoredFrames(stored, np.array([*times, times[-1] + interval]))


def clip_starts(length: int, num_frames: int, stride: int) -> list[int]:
    """First frames of clips that cover a source; the last one ends where the source does.

    Args:
        length: Frames of the source.
        num_frames: Frames of a clip.
        stride: Frames from one clip to the next.
    """
    last = max(0, length - num_frames)
    return [*range(0, last, stride), last]


class SourceClips(Dataset[dict[str, Any]]):
    """Clips of several sources.

    Args:
        sources: Recordings, folders of frames, or videos.
        settings: What the frames are made into.
        num_frames: Frames of a clip; shorter sources get frames of zeros in front.
        stride: Frames from one clip to the next.
    """

    def __init__(
        self, sources: Sequence[Path], settings: FrameSettings, num_frames: int, stride: int
    ) -> None:
        self.settings = settings
        self.num_frames = num_frames
        self.sources = list(sources)
        self.stored = [
            store_frames(source_frames(path, settings), settings.frame_rate) for path in sources
        ]
        self.clips = [
            (index, start)
            for index, stored in enumerate(self.stored)
            for start in clip_starts(len(stored.frames), num_frames, stride)
        ]

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one clip, see :class:`EventClipsDataModule`."""
        source, start = self.clips[index]
        frames, times = self.stored[source]
        cut = frames[start : start + self.num_frames]
        padding = self.num_frames - len(cut)
        clip = np.zeros((self.num_frames, *cut.shape[1:]), np.uint8)
        clip[padding:] = cut
        return {
            self.settings.modality: torch.from_numpy(clip),
            "frame_valid": torch.arange(self.num_frames) >= padding,
            "start": float(times[start]),
            "end": float(times[start + len(cut)]),
            "files": str(self.sources[source]),
        }
