"""Pictures of true and predicted heads beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.metrics.talking_head import mouth_opening
from lightning_face.render import front_view, render_mesh

__all__ = ["draw_heads"]

_SIZE = (224, 192)
_TURN = (0.35, 0.1)
_FRAMES = 4

Surface = Callable[[dict[str, Any], int, int], tuple[Tensor, Tensor]]


def draw_heads(
    preds: Sequence[Tensor], batch: dict[str, Any], true_surface: Surface
) -> dict[str, Tensor]:
    """Draw four frames of each sequence, from the most closed mouth to the one open widest.

    Args:
        preds: Predicted positions in metres, ``(frames, vertices, 3)`` for each sequence.
        batch: Batch with ``faces``, ``template``, ``vertices``, ``upper_lip`` and ``lower_lip``.
        true_surface: Gives true vertices and faces of a batch, a sequence and a frame.

    Returns:
        ``target`` and ``prediction``, RGB in [0, 1] ``(4 * sequences, 3, height, width)``.
    """
    pictures: dict[str, list[Tensor]] = {"target": [], "prediction": []}
    for index, pred in enumerate(preds):
        camera = front_view(_array(batch["template"][index]), _SIZE, turn=_TURN)
        for frame in _frames(pred, batch, index):
            for title, (vertices, faces) in (
                ("target", true_surface(batch, index, frame)),
                ("prediction", (pred[frame], batch["faces"][index])),
            ):
                picture = render_mesh(_array(vertices), faces.cpu().numpy(), camera, _SIZE)
                pictures[title].append(torch.from_numpy(picture).permute(2, 0, 1).float() / 255)
    return {title: torch.stack(drawn) for title, drawn in pictures.items()}


def _frames(pred: Tensor, batch: dict[str, Any], index: int) -> list[int]:
    """Choose frames by the true opening of the mouth, or by the predicted one."""
    truth, upper, lower = (batch[name][index] for name in ("vertices", "upper_lip", "lower_lip"))
    order = torch.arange(len(pred))
    # of scans, the lips may be unknown
    if len(upper) and len(lower):
        order = mouth_opening(pred if truth is None else truth, upper, lower).argsort().cpu()
    return [int(order[place]) for place in torch.linspace(0, len(pred) - 1, _FRAMES).long()]


def _array(vertices: Tensor) -> NDArray[np.float64]:
    return vertices.detach().double().cpu().numpy()
