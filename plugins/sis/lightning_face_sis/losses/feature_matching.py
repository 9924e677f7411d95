"""Likeness of generated pictures and photographs in the eyes of the discriminator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

__all__ = ["FeatureMatchingLoss"]


class FeatureMatchingLoss:
    """Mean absolute difference of the discriminator's inner features.

    The stages of all scales but the last of each, which is the prediction, are compared; the sum
    over stages is averaged over the scales.

    Args:
        weight: Factor on the loss, 10 as published.

    Source:
        Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
        GANs", equation 4.
    """

    def __init__(self, weight: float = 10.0) -> None:
        self.weight = weight

    def __call__(
        self, fake: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]]
    ) -> Tensor:
        """Compute the weighted loss.

        Args:
            fake: Outputs of the discriminator for generated pictures: for each scale those of all
                stages.
            real: Outputs for the photographs they should equal; no gradient flows into them.

        Returns:
            A scalar.
        """
        differences = [
            l1_loss(fake_stage.float(), real_stage.detach().float())
            for fake_stages, real_stages in zip(fake, real, strict=True)
            for fake_stage, real_stage in zip(fake_stages[:-1], real_stages[:-1], strict=True)
        ]
        return torch.stack(differences).sum() * (self.weight / len(fake))
