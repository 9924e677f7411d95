"""Videos of predicted heads while the trainer predicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.callbacks.video_overview import WrittenVideo, reduced_picture, write_overview
from lightning_face.errors import ConfigError
from lightning_face.mesh import Mesh
from lightning_face.mesh.animation_file import open_animation
from lightning_face.render import VIEWS, SpeechVideo
from lightning_face.render.color_map import round_up
from lightning_face.video import AudioTrack, VideoWriter
from lightning_face_scantalk.animation import opened_mouth
from lightning_face_scantalk.comparison import Comparison

__all__ = ["TalkingHeadVideos"]

_RATE = 16000


class TalkingHeadVideos(Callback):
    """Writes a video with sound of every prediction, a contact sheet and a page.

    The files go to ``predictions/`` of the run. Where the batch has the true vertices, a video
    shows target, prediction and error side by side; otherwise the head from two sides. Every
    process writes its own videos; the first one adds ``contact_sheet.png`` and ``index.html``.
    Predictions of other kinds, without ``predicted`` heads, are left to the caller.

    Args:
        height: Height of the heads in pixels.
        view: Side from which heads are compared: front, quarter or side.
        shown_frames: Frames of each video on the contact sheet, from a mouth that is shut to one
            that is open.
        shown_videos: Videos on the contact sheet, spread over all.
        animations: Format in which the heads are written besides, ``npz`` or ``glb``.
    """

    def __init__(
        self,
        height: int = 384,
        view: Literal["front", "quarter", "side"] = "quarter",
        shown_frames: int = 3,
        shown_videos: int = 8,
        animations: Literal["npz", "glb"] | None = None,
    ) -> None:
        for name, value, least in (
            ("height", height, 64),
            ("shown_frames", shown_frames, 1),
            ("shown_videos", shown_videos, 1),
        ):
            if value < least:
                raise ConfigError(f"talking-head-videos: {name} {value} is below {least}")
        if view not in VIEWS:
            raise ConfigError(f"talking-head-videos: view {view!r} is none of {', '.join(VIEWS)}")
        self.height = height
        self.view = view
        self.shown_frames = shown_frames
        self.shown_videos = shown_videos
        self.animations = animations
        self._written: list[WrittenVideo] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new list of videos."""
        self._written = []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the videos of a batch."""
        if isinstance(outputs, dict) and "predicted" in outputs:
            for index in range(len(outputs["predicted"])):
                self._written.append(self._write(_folder(trainer), outputs, index))

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the contact sheet and the page."""
        folder = _folder(trainer)
        write_overview(trainer, folder, self._written, "Talking heads", self.shown_videos)

    def _write(self, folder: Path, batch: dict[str, Any], index: int) -> WrittenVideo:
        """Write what was predicted of one sequence."""
        name = _name_of(batch, index)
        frames, faces = _array(batch["predicted"][index]), batch["faces"][index].cpu().numpy()
        still, fps = _array(batch["template"][index]), float(batch["fps"][index])
        upper_lip, lower_lip = (
            batch[lip][index].cpu().numpy() for lip in ("upper_lip", "lower_lip")
        )
        audio = AudioTrack.from_waveform(_array(batch["waveform"][index]), _RATE)
        truth = batch.get("vertices", [None] * len(batch["faces"]))[index]
        caption = name
        pictures: Iterator[NDArray[np.uint8]]
        if truth is None:
            opening = opened_mouth(frames, still, upper_lip, lower_lip)
            video = SpeechVideo(
                *(faces, still, audio, fps, ("front", "quarter"), self.height),
                curve_range=round_up(1000 * float(opening.max())),
            )
            pictures = map(video.draw, frames, (1000 * opening).tolist())
        else:
            target, frames = _array(truth), frames[: len(truth)]
            comparison = Comparison(target[: len(frames)], frames, faces)
            opening = opened_mouth(comparison.target, still, upper_lip, lower_lip)
            pictures = comparison.pictures(
                *(audio, fps, None, (upper_lip, lower_lip), still, self.view, self.height)
            )
            caption += f", mean error {1000 * comparison.errors.mean():.2f} mm"
        # from the mouth shut farthest to the widest open
        chosen = np.linspace(0, len(frames) - 1, self.shown_frames).round().astype(int)
        chosen = np.sort(np.argsort(opening, kind="stable")[chosen])
        shown: dict[int, NDArray[np.uint8]] = {}
        with VideoWriter(folder / f"{name}.mp4", fps, audio) as writer:
            for number, picture in enumerate(pictures):
                writer.add(picture)
                if number in chosen:
                    shown[number] = reduced_picture(picture[: self.height])
        if self.animations is not None:
            path = folder / f"{name}.{self.animations}"
            mesh = Mesh(still.astype(np.float64), faces)
            with open_animation(path, mesh, fps, len(frames)) as animation:
                animation.add(frames)
        labels = [f"{name}  {number / fps:.2f} s" for number in shown]
        return WrittenVideo(name, f"{name}.mp4", caption, list(shown.values()), labels)


def _folder(trainer: Trainer) -> Path:
    return Path(trainer.default_root_dir) / "predictions"


def _name_of(batch: dict[str, Any], index: int) -> str:
    """Name a sequence by its data set and its sound."""
    sound = Path(batch["files"][index].split(" with ")[0]).stem
    return re.sub(r"[^\w.-]+", "_", f"{batch['dataset'][index]}-{sound}")


def _array(vertices: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = vertices.detach().float().cpu().numpy()
    return array
