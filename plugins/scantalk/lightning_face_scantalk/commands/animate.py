"""``lightning-face scantalk animate``: speech and any head in, a talking head out."""

from __future__ import annotations

import math
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face.audio import load_audio, normalize_waveform
from lightning_face.cli.device import choose_device
from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, OperatorSettings, read_mesh
from lightning_face.mesh.alignment import SimilarityTransform
from lightning_face.mesh.animation_file import AnimationWriter, is_animation, open_animation
from lightning_face.mesh.vertex_mask import read_mask
from lightning_face.render import SpeechVideo
from lightning_face.video import AudioTrack, VideoWriter
from lightning_face_scantalk.animation import AnimatedHead, animate, opened_mouth, prepare_head
from lightning_face_scantalk.commands.model import load_network
from lightning_face_scantalk.data.masks import split_lips
from lightning_face_scantalk.placement import (
    TRAINING_LANDMARKS,
    place_automatically,
    place_by_landmarks,
    place_by_unit,
    read_landmarks,
)

__all__ = ["run"]

_RATE = 16000
_VIDEOS = (".mp4", ".gif")
_FARTHEST = 0.2


def run(options: Namespace) -> int:
    """Animate a head and write it in all wanted formats.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range or the kind of an output is unknown.
        DataError: If the recording, the mesh or a landmark file cannot be used.
        WeightsError: If the weights belong to another model.
    """
    outputs = _check(options)
    mesh = read_mesh(options.mesh)
    if not len(mesh.faces) and any(path.suffix.lower() in _VIDEOS for path in outputs):
        raise DataError(f"{options.mesh} is a cloud of points, which has no surface to be drawn")
    placement = _placement(options, mesh)
    lips = _lips(options, mesh, placement)
    sound = load_audio(options.audio, _RATE)
    device = choose_device(options.device)
    network = load_network(options.weights).to(device)
    frames = network.audio_encoder.num_frames(len(sound), options.fps)
    if not frames:
        raise DataError(f"{options.audio} is too short for a frame at {options.fps:g} a second")
    eigenpairs = min(options.eigenpairs, len(mesh.vertices))
    head = prepare_head(
        mesh,
        placement,
        OperatorSettings(eigenpairs, options.gradient_regularization),
        carry=options.parts == "carry",
        weld=options.weld,
        device=device,
        name=str(options.mesh),
    )
    print(f"head    {len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles")
    print(f"speech  {len(sound) / _RATE:.2f} s, {frames} frames at {options.fps:g} a second")
    began = time.perf_counter()
    waveform = torch.from_numpy(normalize_waveform(sound))
    with ExitStack() as stack:
        animations: list[AnimationWriter] = []
        videos: list[VideoWriter] = []
        for path in outputs:
            if is_animation(path):
                writer = open_animation(path, mesh, options.fps, frames)
                animations.append(stack.enter_context(writer))
            else:
                track = AudioTrack(sound, _RATE) if path.suffix.lower() == ".mp4" else None
                videos.append(stack.enter_context(VideoWriter(path, options.fps, track)))
        drawing = _drawing(options, head, AudioTrack(sound, _RATE)) if videos else None
        for chunk in _reported(animate(network, waveform, head, frames), frames):
            restored = head.restore(chunk) if animations else chunk
            for animation in animations:
                animation.add(restored)
            if drawing is None:
                continue
            for vertices, value in zip(chunk, _curve(chunk, head, lips), strict=True):
                picture = drawing.draw(vertices, value)
                for video in videos:
                    video.add(picture)
    seconds = time.perf_counter() - began
    print(f"took    {seconds:.1f} s, {1000 * seconds / frames:.0f} ms a frame")
    print("".join(f"{path}\n" for path in outputs), end="")
    return 0


def _check(options: Namespace) -> list[Path]:
    if not 0 < options.fps < math.inf:
        raise ConfigError(f"--fps {options.fps:g}: give a number above 0")
    if options.eigenpairs < 1:
        raise ConfigError(f"--eigenpairs {options.eigenpairs}: at least 1")
    if not 64 <= options.height <= 4096:
        raise ConfigError(f"--height {options.height}: give 64 to 4096 pixels")
    by_landmarks = options.align not in (None, Path("auto"))
    if options.align is None and options.reference is not None:
        raise ConfigError("--reference is what --align aligns to: give --align as well")
    if options.align is not None and not by_landmarks and options.reference is None:
        raise ConfigError(
            "--align without landmarks needs --reference: name a head that lies where the "
            "training heads do, such as one of their templates, or give --align landmarks of "
            f"the mesh as JSON ({', '.join(TRAINING_LANDMARKS)})"
        )
    if (options.reference_landmarks is not None) != (by_landmarks and bool(options.reference)):
        raise ConfigError(
            "--align LANDMARKS, --reference and --reference-landmarks go together: both files "
            "name the same places, one on the mesh, one on the reference"
        )
    outputs = [path.expanduser() for path in (options.out, *options.also)]
    for path in outputs:
        if path.suffix.lower() not in _VIDEOS and not is_animation(path):
            raise ConfigError(
                f"{path}: outputs are .mp4, .gif, .glb, .npz, or names without a suffix for "
                "folders of PLY files"
            )
    if len(set(outputs)) < len(outputs):
        raise ConfigError("--also names an output twice")
    return outputs


def _placement(options: Namespace, mesh: Mesh) -> SimilarityTransform:
    name = str(options.mesh)
    if options.align is None:
        placement = place_by_unit(mesh, options.unit, name)
        low, high = (placement.apply(edge(mesh.vertices, axis=0)) for edge in (np.min, np.max))
        distance = float(np.abs((low + high) / 2).max())
        if distance > _FARTHEST:
            print(
                f"warning: {name} is {distance:.2f} m away from where the network expects heads; "
                "--align brings it there",
                file=sys.stderr,
            )
        return placement
    if options.reference is None:
        goals = TRAINING_LANDMARKS
    else:
        reference = read_mesh(options.reference)
        if options.align == Path("auto"):
            return place_automatically(mesh, options.unit, reference)
        goals = read_landmarks(options.reference_landmarks, reference)
    return place_by_landmarks(mesh, options.unit, read_landmarks(options.align, mesh), goals)


def _lips(
    options: Namespace, mesh: Mesh, placement: SimilarityTransform
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    if options.lips is None:
        return None
    lips = read_mask(options.lips, len(mesh.vertices))
    return split_lips(Mesh(placement.apply(mesh.vertices), mesh.faces), lips)


def _drawing(options: Namespace, head: AnimatedHead, track: AudioTrack) -> SpeechVideo:
    return SpeechVideo(
        head.mesh.faces,
        head.mesh.vertices,
        track,
        options.fps,
        options.views,
        options.height,
        "largest movement" if options.lips is None else "mouth opening",
    )


def _curve(
    frames: NDArray[np.float32],
    head: AnimatedHead,
    lips: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
) -> list[float]:
    """What the strip below the video shows of some frames, in millimetres."""
    if lips is None:
        moved = np.linalg.norm(frames - head.mesh.vertices, axis=2).max(axis=1)
    else:
        moved = opened_mouth(frames, head.mesh.vertices, *lips)
    values: list[float] = (1000 * moved).tolist()
    return values


def _reported(chunks: Iterator[NDArray[np.float32]], frames: int) -> Iterator[NDArray[np.float32]]:
    """Tell how far the work is, where someone watches."""
    watched, done = sys.stderr.isatty(), 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if watched:
            end = "\n" if done == frames else ""
            print(f"\rframe {done} of {frames}", end=end, file=sys.stderr, flush=True)
