"""Writing of predictions while the trainer predicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


class ClipPredictions(Callback):
    """Writes ``predictions.json`` and the page ``index.html`` to ``predictions/`` of the run.

    A prediction is a dictionary with ``probabilities`` beside the clips of the batch; predictions
    of other kinds are left to the caller. Every process describes its own clips; the first one
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
        if isinstance(outputs, dict) and "probabilities" in outputs:
            self._clips += describe_clips(
                {**batch, "probabilities": outputs["probabilities"]},
                class_names_of(pl_module, outputs["probabilities"].shape[1]),
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
            write_predictions(folder, clips, class_names_of(pl_module, 0))


def describe_clips(
    batch: dict[str, Any],
    class_names: list[str],
    top_k: int = 5,
    shown_frames: int = 8,
    frame_size: int = 96,
) -> list[ClipPrediction]:
    """Describe what was predicted of each clip of a batch.

    Args:
        batch: Clips with their ``probabilities`` ``(batch, classes)``; ``files``, ``frame_valid``
            and the clips of one or both modalities are needed, ``start``, ``end``, ``label`` and
            ``user`` are told where they are there.
        class_names: Names of the classes in label order.
        top_k: Classes listed for each clip.
        shown_frames: Frames shown of each clip.
        frame_size: Longer side of a shown frame in pixels.
    """
    described = []
    for index, probabilities in enumerate(batch["probabilities"].detach().float().cpu()):
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
        known = {name: float(batch[name][index]) for name in ("start", "end") if name in batch}
        described.append(
            ClipPrediction(
                source=batch["files"][index],
                top=top_classes(probabilities.numpy(), class_names, top_k),
                frames=len(valid),
                label=class_names[int(batch["label"][index])] if "label" in batch else None,
                user=batch["user"][index] if "user" in batch else None,
                pictures=pictures,
                **known,
            )
        )
    return described


def write_predictions(
    folder: Path, clips: list[ClipPrediction], class_names: list[str]
) -> list[Path]:
    """Write ``predictions.json`` and ``index.html``.

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
    return [folder / name for name in contents]


def class_names_of(module: LightningModule, count: int) -> list[str]:
    """Names of the classes that a module tells, or numbers.

    Args:
        module: Module that predicts.
        count: Number of classes.
    """
    names: Any = getattr(module, "class_names", None)
    return list(names) if names else [f"class_{index}" for index in range(count)]


def _to_uint8(frames: Tensor) -> Any:  # noqa: ANN401
    """Grey levels of frames as an array, whatever the precision they were brought to."""
    if frames.is_floating_point():
        frames = (frames * 255).round().clamp(0, 255)
    return frames.byte().cpu().numpy()
