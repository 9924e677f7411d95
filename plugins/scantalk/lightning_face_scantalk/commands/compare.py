"""``lightning-face scantalk compare``: target, prediction and error side by side."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio import load_audio
from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face.mesh.animation_file import MeshAnimation, read_animation
from lightning_face.mesh.vertex_mask import read_mask
from lightning_face.video import AudioTrack, write_video
from lightning_face_scantalk.comparison import Comparison
from lightning_face_scantalk.data.masks import split_lips

__all__ = ["run"]

_RATE = 16000
_DEFAULT_FPS = 30.0


def run(options: Namespace) -> int:
    """Compare two sequences and write a video.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range.
        DataError: If a file cannot be read, or the sequences do not go together.
    """
    out: Path = options.out.expanduser()
    if options.target_stride < 1:
        raise ConfigError(f"--target-stride {options.target_stride}: at least 1")
    if options.max_error is not None and not options.max_error > 0:
        raise ConfigError(f"--max-error {options.max_error:g}: give millimetres above 0")
    if not 64 <= options.height <= 4096:
        raise ConfigError(f"--height {options.height}: give 64 to 4096 pixels")
    prediction = read_animation(options.prediction)
    target = read_animation(options.target)
    fps = _common_fps(options, prediction, target)
    comparison = _compare(options, prediction, target)
    frames, vertices = comparison.prediction.shape[:2]
    audio = None
    if options.audio is not None and out.suffix.lower() == ".mp4":
        audio = AudioTrack(load_audio(options.audio, _RATE), _RATE)
    still = prediction.template
    lips = None
    if options.lips is not None:
        shape = comparison.prediction[0] if still is None else still
        head = Mesh(shape.astype(np.float64), comparison.faces)
        lips = split_lips(head, read_mask(options.lips, vertices))
    pictures = comparison.pictures(
        audio, fps, options.max_error, lips, still, options.view, options.height
    )
    write_video(out, pictures, fps, audio)
    errors = 1000 * comparison.errors
    print(f"frames  {frames} at {fps:g} a second, {vertices:,} vertices")
    print(f"error   mean {errors.mean():.3f} mm, largest {errors.max():.3f} mm")
    print(out)
    return 0


def _common_fps(options: Namespace, prediction: MeshAnimation, target: MeshAnimation) -> float:
    stated = prediction.fps
    if target.fps is not None:
        after = target.fps / options.target_stride
        if stated is not None and not math.isclose(stated, after, rel_tol=1e-3):
            raise DataError(
                f"{options.prediction} has {stated:g} frames a second and {options.target} "
                f"{target.fps:g}; take every N-th true frame with --target-stride N, or animate "
                "with --fps"
            )
        stated = stated or after
    fps: float = options.fps or stated or _DEFAULT_FPS
    if not 0 < fps < math.inf:
        raise ConfigError(f"--fps {fps:g}: give a number above 0")
    return fps


def _compare(options: Namespace, prediction: MeshAnimation, target: MeshAnimation) -> Comparison:
    predicted, truth = prediction.vertices, target.vertices[:: options.target_stride]
    frames = min(len(predicted), len(truth))
    if max(len(predicted), len(truth)) > frames:
        print(
            f"the sequences have {len(truth)} true and {len(predicted)} predicted frames; "
            f"the first {frames} are shown"
        )
    alike = predicted.shape[1] == truth.shape[1]
    faces = _faces(options, prediction, target if alike else None, predicted.shape[1])
    if not alike and target.faces is None:
        raise DataError(
            f"{options.target} has {truth.shape[1]} vertices, {options.prediction} has "
            f"{predicted.shape[1]}: sequences of other vertices can be compared where both files "
            "have faces"
        )
    return Comparison(truth[:frames], predicted[:frames], faces, None if alike else target.faces)


def _faces(
    options: Namespace, prediction: MeshAnimation, target: MeshAnimation | None, vertices: int
) -> NDArray[np.int64]:
    if options.mesh is not None:
        mesh = read_mesh(options.mesh)
        if len(mesh.vertices) != vertices:
            raise DataError(
                f"{options.mesh} has {len(mesh.vertices)} vertices and the prediction {vertices}"
            )
        return mesh.faces
    for each in (prediction, target):
        if each is not None and each.faces is not None:
            return each.faces
    raise DataError(f"{options.prediction} has no faces: name a mesh that has them with --mesh")
