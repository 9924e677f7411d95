"""Pictures of true and predicted landmarks beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from lightning_face.render.head_panel import INK
from lightning_face_emovoca.metrics import lip_aperture

__all__ = ["draw_landmarks", "shown_frames"]

# the 68 landmarks as lines: first, last, and whether the line closes
_LINES = (
    *((0, 16, False), (17, 21, False), (22, 26, False), (27, 30, False), (31, 35, False)),
    *((36, 41, True), (42, 47, True), (48, 59, True), (60, 67, True)),
)
_SIZE = 224
_SHARPNESS = 3
_MARGIN = 0.08
_FRAMES = 4


def shown_frames(apertures: Tensor, count: int = _FRAMES) -> list[int]:
    """Choose frames from the most closed mouth to the one open widest.

    Args:
        apertures: Lip aperture of each frame ``(frames,)``.
        count: Frames to choose.
    """
    order = apertures.argsort(stable=True).cpu()
    return [int(order[place]) for place in torch.linspace(0, len(order) - 1, count).long()]


def draw_landmarks(preds: Sequence[Tensor], targets: Sequence[Tensor]) -> dict[str, Tensor]:
    """Draw four frames of each sequence.

    Args:
        preds: Predicted landmarks, ``(frames, 68, 3)`` for each sequence.
        targets: True ones, as many frames.

    Returns:
        ``target`` and ``prediction``, RGB in [0, 1] ``(4 * sequences, 3, height, width)``.
    """
    pictures: dict[str, list[Tensor]] = {"target": [], "prediction": []}
    for pred, target in zip(preds, targets, strict=True):
        frames = shown_frames(lip_aperture(target))
        points = target.detach().float().cpu().numpy()[..., :2]
        low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
        for frame in frames:
            for title, landmarks in (("target", target), ("prediction", pred)):
                shown = landmarks[frame, :, :2].detach().float().cpu().numpy()
                picture = torch.from_numpy(_picture(shown, low, high))
                pictures[title].append(picture.permute(2, 0, 1).float() / 255)
    return {title: torch.stack(drawn) for title, drawn in pictures.items()}


def _picture(
    points: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Draw the landmarks of a face seen from the front, y up, larger and then reduced."""
    side = _SIZE * _SHARPNESS
    middle, reach = (low + high) / 2, float((high - low).max()) / (1 - 2 * _MARGIN)
    places = ((points - middle) / reach * (1, -1) + 0.5) * side
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for first, last, closes in _LINES:
        line = [*range(first, last + 1), *([first] if closes else [])]
        draw.line([(*places[index],) for index in line], INK, 2 * _SHARPNESS, "curve")
    return np.array(image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS))
