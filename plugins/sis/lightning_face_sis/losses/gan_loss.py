"""The adversarial game between generator and discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.errors import ConfigError

__all__ = ["DiscriminatorLosses", "GANLoss", "GANMode"]

GANMode = Literal["hinge", "ls", "original", "w"]


class DiscriminatorLosses(NamedTuple):
    """What the discriminator minimises.

    Attributes:
        fake: Scalar, small where generated pictures are told to be generated.
        real: Scalar, small where photographs are told to be photographs.
    """

    fake: Tensor
    real: Tensor


class GANLoss:
    """Adversarial losses over the patches of several discriminators.

    A discriminator gives a list of the outputs of its stages; only the last one, its prediction
    ``(batch, 1, height, width)``, counts. The loss of a scale is the mean over its patches, and the
    whole is the mean over the scales.

    Args:
        mode: ``"hinge"``, as published; ``"ls"``, least squares; ``"original"``, cross-entropy;
            ``"w"``, the difference of means of the Wasserstein game.

    Raises:
        ConfigError: If there is no such mode.

    Source:
        Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", appendix A;
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", equations 16
        and 17 (hinge).
    """

    def __init__(self, mode: GANMode = "hinge") -> None:
        if mode not in get_args(GANMode):
            msg = f"the adversarial loss is one of {', '.join(get_args(GANMode))}, not {mode!r}"
            raise ConfigError(msg)
        self.mode = mode

    def generator_loss(self, fake: Sequence[Sequence[Tensor]]) -> Tensor:
        """Compute what the generator minimises.

        Args:
            fake: Outputs for generated pictures: for each scale those of all stages.

        Returns:
            A scalar, small where generated pictures pass for photographs.
        """
        if self.mode in ("hinge", "w"):
            return _mean_over_scales([-prediction.mean() for prediction in _predictions(fake)])
        return self._separation(fake, real=True)

    def discriminator_losses(
        self, fake: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]]
    ) -> DiscriminatorLosses:
        """Compute what the discriminator minimises.

        Args:
            fake: Outputs for generated pictures: for each scale those of all stages.
            real: Outputs for photographs.

        Returns:
            Both losses; their sum is minimised.
        """
        return DiscriminatorLosses(self._separation(fake, False), self._separation(real, True))

    def _separation(self, outputs: Sequence[Sequence[Tensor]], real: bool) -> Tensor:
        """How far the predictions are from those that pictures of this kind should get."""
        return _mean_over_scales([self._error(each, real) for each in _predictions(outputs)])

    def _error(self, prediction: Tensor, real: bool) -> Tensor:
        signed = prediction if real else -prediction
        if self.mode == "hinge":
            return functional.relu(1 - signed).mean()
        if self.mode == "w":
            return -signed.mean()
        target = torch.full_like(prediction, float(real))
        if self.mode == "ls":
            return functional.mse_loss(prediction, target)
        return functional.binary_cross_entropy_with_logits(prediction, target)


def _predictions(outputs: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    return [stages[-1].float() for stages in outputs]


def _mean_over_scales(losses: list[Tensor]) -> Tensor:
    return torch.stack(losses).mean()
