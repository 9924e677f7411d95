"""Whether the lips open and close when they should, told from landmarks."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face.metrics.talking_head.running_mean import RunningMean
from lightning_face.metrics.talking_head.sequences import same_frames
from lightning_face_emovoca.landmarks import INNER_LIPS

__all__ = ["LipApertureCorrelation", "lip_aperture"]

_STILL = 1e-9


def lip_aperture(landmarks: Tensor) -> Tensor:
    """Mean distance of the inner lips.

    Args:
        landmarks: The 68 landmarks ``(frames, 68, 3)``, not normalised.

    Returns:
        Apertures ``(frames,)`` in the unit of the landmarks, float64.
    """
    upper, lower = (landmarks[:, list(side)].double() for side in zip(*INNER_LIPS, strict=True))
    distances: Tensor = (upper - lower).norm(dim=-1)
    return distances.mean(dim=-1)


class LipApertureCorrelation(RunningMean):
    """Mean over sequences of the Pearson correlation of predicted and true lip aperture.

    Sequences whose true lips do not move say nothing and are left out; a prediction that does not
    move counts as 0.
    """

    higher_is_better = True

    def update(self, pred: Tensor, target: Tensor) -> None:
        """Add one sequence.

        Args:
            pred: Landmarks of the prediction ``(frames, 68, 3)``.
            target: True landmarks; the longer sequence is cut to the shorter.
        """
        first, second = (lip_aperture(each) for each in same_frames(pred, target))
        waves = [curve - curve.mean() for curve in (first, second)]
        # rounding alone makes a constant curve wave by 1e-16 of its height
        moving = [
            bool(wave.norm() > _STILL * curve.norm())
            for curve, wave in zip((first, second), waves, strict=True)
        ]
        if not moving[1]:
            return
        product = (waves[0] * waves[1]).sum() / (waves[0].norm() * waves[1].norm())
        self.add((product if moving[0] else torch.zeros_like(product))[None])
