"""Videos of predicted heads while the trainer predicts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor

import lightning_face
from lightning_face.callbacks.video_overview import WrittenVideo, reduced_picture, write_overview
from lightning_face.errors import ConfigError
from lightning_face.mesh import Mesh
from lightning_face.mesh.animation_file import open_animation
from lightning_face.render import VIEWS, ComparisonVideo, HeadPanel, SoundStrip
from lightning_face.render.color_map import round_up
from lightning_face.video import AudioTrack, VideoWriter
from lightning_face_emovoca.emotional_generator import vertices_of_landmarks
from lightning_face_emovoca.landmarks import LandmarkEmbedding
from lightning_face_emovoca.metrics import lip_aperture
from lightning_face_emovoca.modules.sample_networks import load_sample_network
from lightning_face_emovoca.networks.es2d import ES2D

__all__ = ["EmotionalHeadVideos"]

_RATE = 16000
_FPS = 60
_WIDTH, _STRIP, _LOWEST_STRIP = 0.78, 0.2, 72
_MILLIMETRES = 1000.0
_SHOWN_SHARE = 99.0

Frames = NDArray[np.float32]


class EmotionalHeadVideos(Callback):
    """Writes a video with sound of every prediction, a contact sheet and a page.

    The files go to ``predictions/`` of the run. Heads of ``target`` and ``prediction`` are shown
    side by side with their difference; others beside each other, a single one from two sides.
    Predicted landmarks without heads are turned into heads first. Every process writes its own
    videos; the first one adds ``contact_sheet.png`` and ``index.html``.

    Args:
        dense: Trained ES2D that turns landmarks into heads: a checkpoint, or a folder of exported
            or imported weights. Null takes the one that comes with the package, for heads of the
            sample.
        height: Height of the heads in pixels.
        view: Side from which heads are seen: front, quarter or side.
        shown_frames: Frames of each video on the contact sheet, from a mouth that is shut to one
            that is open.
        shown_videos: Videos on the contact sheet, spread over all.
        animations: Format in which the heads are written besides, ``npz`` or ``glb``.
    """

    def __init__(
        self,
        dense: str | None = None,
        height: int = 320,
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
                raise ConfigError(f"emotional-head-videos: {name} {value} is below {least}")
        if view not in VIEWS:
            raise ConfigError(f"emotional-head-videos: view {view!r} is none of {', '.join(VIEWS)}")
        self.dense = dense
        self.height = height
        self.view = view
        self.shown_frames = shown_frames
        self.shown_videos = shown_videos
        self.animations = animations
        self._dense: ES2D | None = None
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
        """Write the videos of a batch.

        Raises:
            ConfigError: Landmarks come without a network for these heads.
        """
        if not isinstance(outputs, dict):
            return
        heads = outputs.get("heads")
        if heads is None and "predicted_landmarks" in outputs:
            heads = self._heads_of(outputs)
        if heads is None:
            return
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        for index, each in enumerate(heads):
            moving = _Moving(outputs, index, each, data.faces, data.embedding)
            self._written.append(self._write(_folder(trainer), moving))

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the contact sheet and the page."""
        folder = _folder(trainer)
        title = "Emotional talking heads"
        write_overview(trainer, folder, self._written, title, self.shown_videos)

    def _heads_of(self, outputs: Mapping[str, Any]) -> list[dict[str, Tensor]]:
        """Turn predicted landmarks into heads."""
        network, found = self._dense_network(), []
        size = network.tables.level_sizes[0]
        for index, landmarks in enumerate(outputs["predicted_landmarks"]):
            template = outputs["template"][index]
            if len(template) != size:
                raise ConfigError(
                    f"emotional-head-videos: heads have {len(template)} vertices, the network that "
                    f"makes them of landmarks is for {size}; set dense to an emovoca-es2d trained "
                    "on these heads"
                )
            still = _array(outputs["template_landmarks"][index])
            blocks = vertices_of_landmarks(
                network.to(landmarks.device), landmarks, still, _array(template)
            )
            vertices = torch.from_numpy(np.concatenate([*blocks]))
            found.append({outputs["label"][index]: vertices.float()})
        return found

    def _dense_network(self) -> ES2D:
        if self._dense is None:
            given = self.dense
            module = load_sample_network("es2d") if given is None else lightning_face.load(given)
            network = getattr(module, "network", None)
            if not isinstance(network, ES2D):
                raise ConfigError(
                    f"emotional-head-videos: dense is {given}, which holds a "
                    f"{type(module).__name__}; give it a trained emovoca-es2d"
                )
            self._dense = network
        return self._dense

    def _write(self, folder: Path, moving: _Moving) -> WrittenVideo:
        """Write the heads of one sequence."""
        caption, pictures = moving.name, self._panels(moving)
        if {"target", "prediction"} == moving.heads.keys():
            errors = np.linalg.norm(moving.heads["target"] - moving.heads["prediction"], axis=-1)
            caption += f", mean error {_MILLIMETRES * errors.mean():.2f} mm"
            pictures = self._comparison(moving, errors)
        # from the mouth shut farthest to the widest open
        opening = moving.apertures[0]
        chosen = np.linspace(0, len(opening) - 1, self.shown_frames).round().astype(int)
        chosen = np.sort(np.argsort(opening, kind="stable")[chosen])
        shown: dict[int, NDArray[np.uint8]] = {}
        with VideoWriter(folder / f"{moving.name}.mp4", _FPS, moving.audio) as writer:
            for number, picture in enumerate(pictures):
                writer.add(picture)
                if number in chosen:
                    shown[number] = reduced_picture(picture[: self.height])
        if self.animations is not None:
            frames = list(moving.heads.values())[-1]
            path = folder / f"{moving.name}.{self.animations}"
            mesh = Mesh(moving.still.astype(np.float64), moving.faces)
            with open_animation(path, mesh, _FPS, len(frames)) as animation:
                animation.add(frames)
        labels = [f"{moving.short_name}  {number / _FPS:.2f} s" for number in shown]
        return WrittenVideo(
            moving.name, f"{moving.name}.mp4", caption, list(shown.values()), labels
        )

    def _comparison(
        self, moving: _Moving, errors: NDArray[np.float32]
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw the true and the predicted head and their difference."""
        values = np.stack(moving.apertures, axis=1)
        video = ComparisonVideo(
            *(moving.faces, moving.still, moving.audio, _FPS),
            highest=round_up(_MILLIMETRES * float(np.percentile(errors, _SHOWN_SHARE))),
            view=self.view,
            height=self.height,
            curves=("true mouth opening", "predicted"),
            curve_range=round_up(float(values.max())),
        )
        pairs = zip(moving.heads["target"], moving.heads["prediction"], errors, values, strict=True)
        for target, prediction, error, curves in pairs:
            yield video.draw(target, prediction, error, curves.tolist())

    def _panels(self, moving: _Moving) -> Iterator[NDArray[np.uint8]]:
        """Draw heads beside each other above the sound."""
        size = self.height // 2 * 2, round(self.height * _WIDTH / 2) * 2
        turned = [(caption, self.view) for caption in moving.heads]
        if len(turned) == 1:
            turned.append((turned[0][0], "front" if self.view != "front" else "quarter"))
        panels = [
            (caption, HeadPanel(moving.faces, moving.still, size, VIEWS[view], caption))
            for caption, view in turned
        ]
        # a strip tells three curves apart
        curved = sorted({0, min(1, len(moving.heads) - 1), len(moving.heads) - 1})
        captions = list(moving.heads)
        values = np.stack([moving.apertures[index] for index in curved], axis=1)
        strip = SoundStrip(
            moving.audio,
            _FPS,
            (max(round(size[0] * _STRIP / 2) * 2, _LOWEST_STRIP), size[1] * len(panels)),
            [f"mouth opening, {captions[index]}" for index in curved],
            round_up(float(values.max())),
        )
        for number, curves in enumerate(values):
            row = [panel.draw(moving.heads[caption][number]) for caption, panel in panels]
            yield np.concatenate([np.concatenate(row, axis=1), strip.draw(curves.tolist())])


class _Moving:
    """Heads of one sequence, as arrays.

    Args:
        outputs: What was predicted, with ``name``, ``actor``, ``template`` and ``waveform``.
        index: The place of the sequence in it.
        heads: Positions in metres ``(frames, vertices, 3)`` by caption.
        faces: Triangles ``(triangles, 3)``.
        embedding: Landmarks of the topology.
    """

    def __init__(
        self,
        outputs: Mapping[str, Any],
        index: int,
        heads: Mapping[str, Tensor],
        faces: NDArray[np.integer],
        embedding: LandmarkEmbedding,
    ) -> None:
        self.name = re.sub(r"[^\w.-]+", "_", outputs["name"][index])
        # the names of actors are as long as the pictures of a contact sheet are wide
        self.short_name = self.name.removeprefix(f"{outputs['actor'][index]}_")
        self.heads = {caption: _array(vertices) for caption, vertices in heads.items()}
        self.faces = np.asarray(faces).astype(np.int64)
        self.still = _array(outputs["template"][index])
        self.audio = AudioTrack.from_waveform(_array(outputs["waveform"][index]), _RATE)
        self.apertures = [
            _MILLIMETRES * lip_aperture(embedding.landmarks_of(vertices.cpu())).numpy()
            for vertices in heads.values()
        ]


def _folder(trainer: Trainer) -> Path:
    return Path(trainer.default_root_dir) / "predictions"


def _array(vertices: Tensor) -> Frames:
    array: Frames = vertices.detach().float().cpu().numpy()
    return array
