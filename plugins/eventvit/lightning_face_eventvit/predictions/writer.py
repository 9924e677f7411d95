"""Writing of predictions while the trainer predicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError
from lightning_face_eventvit.predictions.clip_prediction import (
    ClipPrediction,
    clips_json,
    clips_page,
)
from lightning_face_eventvit.predictions.frame_pictures import data_uri, frame_picture, spread
from lightning_face_eventvit.predictions.names import top_classes

__all__ = ["ClipPredictions", "class_names_of", "describe_clips", "write_predictions"]

_MODALITIES = ("event", "rgb")
_MADE = {"probabilities", "alphas"}


class ClipPredictions(Callback):
    """Writes ``predictions.json`` and the page ``index.html`` to ``predictions/`` of the run.

    A prediction is a dictionary with ``probabilities`` of classes, expression coefficients
    ``alphas``, which are written to ``alphas.npz`` too, or both; predictions of other kinds are
    left to the caller. Every process describes its own clips; the first one
    writes the files in the end.

    Args:
        top_k: Classes listed for each clip.
        shown_frames: Frames shown of each clip.
        frame_size: Longer side of a shown frame in pixels.
    """

    def __init__(self, top_k: int = 5, shown_frames: int = 8, frame_size: int = 96) -> None:
        for name, value in (
            ("top_k", top_k),
            ("shown_frames", shown_frames),
            ("frame_size", frame_size),
        ):
            if value < 1:
                raise ConfigError(f"clip-predictions: {name} {value} is below 1")
        self.top_k = top_k
        self.shown_frames = shown_frames
        self.frame_size = frame_size
        self._clips: list[ClipPrediction] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new list of clips."""
        self._clips = []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Describe the clips of a batch."""
        if isinstance(outputs, dict) and not _MADE.isdisjoint(outputs):
            self._clips += describe_clips(
                {**batch, **{name: outputs[name] for name in _MADE & outputs.keys()}},
                class_names_of(pl_module),
                self.top_k,
                self.shown_frames,
                self.frame_size,
            )

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the files."""
        clips = self._clips
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            distributed.all_gather_object(gathered, clips)
            clips = [clip for part in gathered for clip in part]
        if trainer.is_global_zero and clips:
            folder = Path(trainer.default_root_dir) / "predictions"
            write_predictions(folder, clips, class_names_of(pl_module))


def describe_clips(
    batch: dict[str, Any],
    class_names: list[str],
    top_k: int = 5,
    shown_frames: int = 8,
    frame_size: int = 96,
) -> list[ClipPrediction]:
    """Describe what was predicted of each clip of a batch.

    Args:
        batch: Clips with ``probabilities`` ``(batch, classes)``, ``alphas``
            ``(batch, frames, coefficients)`` or both; ``files`` and ``frame_valid`` are needed,
            clips of both modalities, ``start``, ``end``, ``label``, ``user`` and the fitted
            ``alpha`` are told where they are there.
        class_names: Names of the classes in label order.
        top_k: Classes listed for each clip.
        shown_frames: Frames shown of each clip.
        frame_size: Longer side of a shown frame in pixels.
    """
    described = []
    for index, source in enumerate(batch["files"]):
        valid = batch["frame_valid"][index].cpu().numpy().nonzero()[0]
        shown = (
            [int(valid[place]) for place in spread(len(valid), shown_frames)] if len(valid) else [0]
        )
        pictures = {
            modality: [
                data_uri(frame_picture(frame, frame_size))
                for frame in _to_uint8(batch[modality][index, shown])
            ]
            for modality in _MODALITIES
            if modality in batch
        }
        top = []
        if "probabilities" in batch:
            probabilities = batch["probabilities"][index].detach().float().cpu().numpy()
            names = class_names or [f"class_{place}" for place in range(len(probabilities))]
            top = top_classes(probabilities, names, top_k)
        label = int(batch["label"][index]) if "label" in batch and class_names else None
        known: dict[str, Any] = {
            name: float(batch[name][index]) for name in ("start", "end") if name in batch
        }
        described.append(
            ClipPrediction(
                source=source,
                top=top,
                frames=len(valid),
                label=None if label is None else class_names[label],
                user=batch["user"][index] if "user" in batch else None,
                pictures=pictures,
                **known,
                **_tracks(batch, index),
            )
        )
    return described


def write_predictions(
    folder: Path, clips: list[ClipPrediction], class_names: list[str]
) -> list[Path]:
    """Write ``predictions.json``, ``index.html`` and, of models that predict them, ``alphas.npz``.

    The last has an array ``clip_<n>`` ``(frames, coefficients)`` for each clip, counted from 0 in
    the order of the clips in ``predictions.json``.

    Args:
        folder: Folder to write into; made if missing.
        clips: The predictions; a clip that several processes predicted is written once.
        class_names: Names of the classes in label order.

    Returns:
        The files written.
    """
    # processes take every n-th clip and may repeat one: this restores the order of the data
    unique = {(clip.source, clip.start or 0.0, clip.label): clip for clip in clips}
    ordered = [unique[key] for key in sorted(unique, key=lambda key: (key[0], key[1]))]
    contents = {
        "predictions.json": json.dumps(clips_json(ordered, class_names), indent=1) + "\n",
        "index.html": clips_page(ordered),
    }
    for name, content in contents.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    written = [folder / name for name in contents]
    tracks: dict[str, Any] = {
        f"clip_{place}": clip.alphas
        for place, clip in enumerate(ordered)
        if clip.alphas is not None
    }
    if tracks:
        written.append(folder / "alphas.npz")
        with atomic_path(written[-1]) as temporary, temporary.open("wb") as file:
            np.savez(file, **tracks)
    return written


def class_names_of(module: LightningModule) -> list[str]:
    """Names of the classes that a module tells; none where it tells none.

    Args:
        module: Module that predicts.
    """
    names: Any = getattr(module, "class_names", None)
    return list(names or [])


def _tracks(batch: dict[str, Any], index: int) -> dict[str, Any]:
    """Predicted and fitted coefficients of the frames of a clip that are no padding."""
    if "alphas" not in batch:
        return {}
    valid = batch["frame_valid"][index]
    tracks = {"alphas": batch["alphas"][index][valid]}
    if "alpha" in batch:
        seen = batch["alpha_valid"][index][valid].unsqueeze(-1)
        tracks["fitted"] = torch.where(seen, batch["alpha"][index][valid], torch.nan)
    return {name: track.detach().float().cpu().numpy() for name, track in tracks.items()}


def _to_uint8(frames: Tensor) -> Any:  # noqa: ANN401
    """Grey levels of frames as an array, whatever the precision they were brought to."""
    if frames.is_floating_point():
        frames = (frames * 255).round().clamp(0, 255)
    return frames.byte().cpu().numpy()
