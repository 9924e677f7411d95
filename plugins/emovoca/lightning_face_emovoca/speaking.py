"""A talking head with emotion, from the files of a recording and a face to files of all kinds."""

from __future__ import annotations

import math
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face.audio import load_audio, normalize_waveform
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.cli.device import choose_device
from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, length_unit, read_mesh
from lightning_face.mesh.animation_file import is_animation, open_animation
from lightning_face.render import SpeechVideo
from lightning_face.video import AudioTrack, VideoWriter
from lightning_face_emovoca.emotional_generator import EmotionalGenerator
from lightning_face_emovoca.flame_model import FlameFit, FlameModel, read_flame_model
from lightning_face_emovoca.generator_files import load_emotional_generator, sample_generator
from lightning_face_emovoca.metrics import lip_aperture
from lightning_face_emovoca.networks.es2l import FRAME_RATE
from lightning_face_emovoca.schedule import EmotionTrack, parse_emotions, read_track
from lightning_face_emovoca.topology import check_topology

__all__ = ["speak"]

Floats = NDArray[np.float64]

_RATE = 16000
_VIDEOS = (".mp4", ".gif")
_FLAME = ".flame.npz"
_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_MILLIMETRES = 1000.0


class _Frames(Protocol):
    """Takes the frames of a face in metres in their order."""

    def add(self, frames: Floats) -> None:
        """Append positions ``(frames, vertices, 3)``."""


def speak(options: Namespace) -> int:
    """Make a face speak and write it in all wanted formats.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: An option is out of range, or options do not go together.
        DataError: The recording, the face or another file cannot be used.
        WeightsError: Weights belong to another network.
    """
    outputs = _check(options)
    emotions = parse_emotions(options.emotion)
    mesh = read_mesh(options.face)
    metres = _metres(options.unit, mesh, options.face)
    sound = load_audio(options.audio, _RATE)
    flame = None if options.flame is None else read_flame_model(options.flame)
    device = choose_device(options.device)
    generator = _generator(options)
    check_topology(mesh, generator.es2d.tables, str(options.face))
    if flame is not None and len(flame.mean) != len(mesh.vertices):
        raise DataError(
            f"{options.flame} has {len(flame.mean)} vertices, the face has {len(mesh.vertices)}"
        )
    frames = generator.num_frames(len(sound))
    if not frames:
        raise DataError(f"{options.audio} is too short for a frame at {FRAME_RATE:g} a second")
    track = (
        EmotionTrack.constant(emotions, options.intensity, frames)
        if options.schedule is None
        else read_track(options.schedule, frames, FRAME_RATE, emotions, options.intensity)
    )
    generator.es2l.to(device)
    generator.es2d.to(device)
    print(f"face    {len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles")
    print(f"speech  {len(sound) / _RATE:.2f} s, {frames} frames at {FRAME_RATE:g} a second")
    began = time.perf_counter()
    waveform = torch.from_numpy(normalize_waveform(sound))
    template = mesh.vertices * metres
    chunks = generator.generate(waveform, template, track)
    with ExitStack() as stack:
        writers: list[_Frames] = []
        videos: list[VideoWriter] = []
        for path in outputs:
            if path.suffix.lower() in _VIDEOS:
                audio = AudioTrack(sound, _RATE) if path.suffix.lower() == ".mp4" else None
                videos.append(stack.enter_context(VideoWriter(path, FRAME_RATE, audio)))
            elif flame is not None and _is_flame(path):
                writers.append(_FlameFrames(flame, template, path, frames))
            else:
                suffix: Literal[".ply", ".obj"] = ".obj" if options.frames == "obj" else ".ply"
                animation = open_animation(path, mesh, FRAME_RATE, frames, suffix)
                writers.append(_ScaledFrames(stack.enter_context(animation), 1 / metres))
        if videos:
            drawn = Mesh(template, mesh.faces)
            writers.append(_DrawnFrames(options, generator, drawn, sound, videos))
        for chunk in _reported(chunks, frames):
            for writer in writers:
                writer.add(chunk)
    seconds = time.perf_counter() - began
    print(f"took    {seconds:.1f} s, {1000 * seconds / frames:.0f} ms a frame")
    print("".join(f"{path}\n" for path in outputs), end="")
    return 0


class _ScaledFrames:
    """Meshes in the unit of the file that the face is from."""

    def __init__(self, animation: _Frames, scale: float) -> None:
        self._animation = animation
        self._scale = scale

    def add(self, frames: Floats) -> None:
        self._animation.add(frames * self._scale)


class _DrawnFrames:
    """Pictures of the frames, drawn once for all videos."""

    def __init__(
        self,
        options: Namespace,
        generator: EmotionalGenerator,
        still: Mesh,
        sound: NDArray[np.float32],
        videos: list[VideoWriter],
    ) -> None:
        self._embedding = generator.embedding
        self._videos = videos
        self._drawing = SpeechVideo(
            still.faces,
            still.vertices,
            AudioTrack(sound, _RATE),
            FRAME_RATE,
            options.views,
            options.height,
        )

    def add(self, frames: Floats) -> None:
        landmarks = torch.from_numpy(self._embedding.landmarks_of(frames))
        openings = _MILLIMETRES * lip_aperture(landmarks)
        for vertices, opening in zip(frames, openings.tolist(), strict=True):
            picture = self._drawing.draw(vertices, opening)
            for video in self._videos:
                video.add(picture)


class _FlameFrames:
    """Parameters of FLAME, which appear in a file after the last frame."""

    def __init__(self, model: FlameModel, template: Floats, path: Path, num_frames: int) -> None:
        self._model = model
        self._template = template
        self._path = path
        self._num_frames = num_frames
        self._fits: list[FlameFit] = []

    def add(self, frames: Floats) -> None:
        for vertices in frames:
            last = self._fits[-1] if self._fits else None
            self._fits.append(self._model.fit(vertices, self._template, last))
        if len(self._fits) == self._num_frames:
            self._write()

    def _write(self) -> None:
        shape, translation, residual = self._model.fit_shape(self._template)
        residuals = np.array([each.residual for each in self._fits])
        with atomic_path(self._path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                expression=np.stack([each.expression for each in self._fits]),
                jaw=np.stack([each.jaw for each in self._fits]),
                residual=residuals,
                shape=shape,
                translation=translation,
                shape_residual=residual,
                fps=FRAME_RATE,
            )
        print(
            f"flame   {_MILLIMETRES * residuals.mean():.2f} mm from the frames, "
            f"{_MILLIMETRES * residual:.2f} mm from the face"
        )


def _check(options: Namespace) -> list[Path]:
    if not 0 <= options.intensity < math.inf:
        raise ConfigError(f"--intensity {options.intensity:g}: give a number from 0 on")
    if not 64 <= options.height <= 4096:
        raise ConfigError(f"--height {options.height}: give 64 to 4096 pixels")
    networks = [options.es2l, options.es2d, options.template]
    if any(networks) and not all(networks):
        raise ConfigError(
            "--es2l, --es2d and --template go together: two networks, and the folder of the mesh "
            "hierarchy and landmarks that they were trained with"
        )
    outputs = [path.expanduser() for path in (options.out, *options.also)]
    for path in outputs:
        if _is_flame(path):
            if options.flame is None:
                raise ConfigError(f"{path} needs the model of FLAME: name it with --flame")
        elif path.suffix.lower() not in _VIDEOS and not is_animation(path):
            raise ConfigError(
                f"{path}: outputs are .mp4, .gif, .glb, .npz, .flame.npz, or names without a "
                "suffix for folders of PLY or OBJ files"
            )
    if options.flame is not None and not any(_is_flame(path) for path in outputs):
        raise ConfigError("--flame is for an output that is named .flame.npz: there is none")
    if len(set(outputs)) < len(outputs):
        raise ConfigError("--also names an output twice")
    if options.face.suffix.lower() == ".stl":
        raise ConfigError(
            f"{options.face}: STL files do not number their vertices, which networks move by "
            "their numbers; give the face as .ply, .obj or .glb"
        )
    return outputs


def _is_flame(path: Path) -> bool:
    return path.name.lower().endswith(_FLAME)


def _metres(unit: str, mesh: Mesh, path: Path) -> float:
    """Tell how many metres the unit of a face is."""
    found = length_unit(mesh.vertices) if unit == "auto" else unit
    if found is None:
        size = float(np.ptp(mesh.vertices, axis=0).max())
        raise DataError(
            f"{path} is {size:.4g} units large, which is a head neither in m, nor in cm, nor in "
            "mm: name its unit with --unit, or scale it"
        )
    return _METRES[found]


def _generator(options: Namespace) -> EmotionalGenerator:
    if options.es2l is None:
        return sample_generator()
    return load_emotional_generator(options.es2l, options.es2d, options.template)


def _reported(chunks: Iterator[Floats], frames: int) -> Iterator[Floats]:
    """Tell how far the work is, where someone watches."""
    watched, done = sys.stderr.isatty(), 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if watched:
            end = "\n" if done == frames else ""
            print(f"\rframe {done} of {frames}", end=end, file=sys.stderr, flush=True)
