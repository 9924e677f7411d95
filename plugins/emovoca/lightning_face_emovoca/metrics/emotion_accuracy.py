"""Whether the emotion and its intensity can be read off a face that speaks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

__all__ = ["EmotionAccuracy"]


class EmotionAccuracy(Metric):
    """Share of predicted sequences whose nearest class of true sequences is their own.

    A sequence is described by the mean over its frames of the displacements of its landmarks,
    and a class of emotion and intensity by the mean of its true sequences. Speech averages out,
    what remains is the expression. ``compute`` returns ``emotion``, ``intensity`` and ``both``,
    the shares in 0..1 of sequences of which so much is right, nan before the first.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    predictions: list[Tensor]
    targets: list[Tensor]
    labels: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        for name in ("predictions", "targets", "labels"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(
        self, pred: Tensor, target: Tensor, neutral: Tensor, emotion: int, intensity: float
    ) -> None:
        """Add one sequence.

        Args:
            pred: Predicted landmarks ``(frames, landmarks, 3)``.
            target: True landmarks of the same label ``(other frames, landmarks, 3)``.
            neutral: Landmarks of the speaker at rest ``(landmarks, 3)``.
            emotion: Number of the emotion.
            intensity: Its strength.
        """
        for state, landmarks in ((self.predictions, pred), (self.targets, target)):
            mean = landmarks.double().mean(dim=0) - neutral.double()
            state.append(mean.reshape(1, -1))
        self.labels.append(self.predictions[-1].new_tensor([[emotion, intensity]]))

    def compute(self) -> dict[str, Tensor]:
        """Return the shares over all sequences of all processes."""
        if not len(self.labels):
            return dict.fromkeys(("emotion", "intensity", "both"), torch.tensor(torch.nan))
        predictions, targets, labels = (
            dim_zero_cat(state) for state in (self.predictions, self.targets, self.labels)
        )
        classes, members = torch.unique(labels, dim=0, return_inverse=True)
        sums = targets.new_zeros(len(classes), targets.shape[1]).index_add(0, members, targets)
        prototypes = sums / torch.bincount(members)[:, None]
        # differences are small against the coordinates, which products would cancel
        distances = torch.cdist(predictions, prototypes, compute_mode=_EXACT)
        right = classes[distances.argmin(dim=1)] == labels
        shares = [right[:, 0], right[:, 1], right.all(dim=1)]
        named = zip(("emotion", "intensity", "both"), shares, strict=True)
        return {name: share.float().mean() for name, share in named}


_EXACT = "donot_use_mm_for_euclid_dist"
