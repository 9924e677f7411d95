"""Prediction of noise that leans towards the condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.conditioning import Conditioning

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["GuidedPredictor", "Unconditional"]

Unconditional = Literal["null_style", "zeros"]
"""What guidance leads away from: the style of a blank picture with the same label map, or, as in
the published code, no style and no label map at all."""


class GuidedPredictor:
    """The noise that a network predicts under one condition, with classifier-free guidance.

    All that depends on label map and styles alone is computed here, once for all steps.

    Args:
        network: The whole system.
        labels: Label maps, see `SemanticDiffusion.prepare`.
        styles: Style of every class ``(batch, classes, context_dim)``.
        scale: How far to lean towards the condition; 1 is the plain prediction, at half the cost.
        unconditional: What to lean away from.
        interval: Lowest and highest timestep with guidance; None for all.

    Raises:
        ConfigError: The kind of guidance is unknown, or the interval is empty.

    Source:
        Ho and Salimans, "Classifier-Free Diffusion Guidance" (arXiv 2207.12598), equation 6;
        Kynkaanniemi et al., "Applying Guidance in a Limited Interval" (arXiv 2404.07724).
    """

    def __init__(
        self,
        network: SemanticDiffusion,
        labels: Tensor,
        styles: Tensor,
        scale: float = 1.0,
        unconditional: Unconditional = "null_style",
        interval: tuple[int, int] | None = None,
    ) -> None:
        if unconditional not in get_args(Unconditional):
            msg = f"unconditional={unconditional!r} must be one of {get_args(Unconditional)}"
            raise ConfigError(msg)
        if interval is not None and interval[0] > interval[1]:
            msg = f"guidance_interval={interval} must be the lowest and the highest timestep"
            raise ConfigError(msg)
        self._network = network
        self._scale = scale
        self._interval = interval
        self._plain = network.prepare(styles, labels)
        self._both = None
        if scale != 1:
            if unconditional == "zeros":
                # one number seen at every pixel: an empty map takes no memory
                height, width = labels.shape[-2:]
                empty = styles.new_zeros(()).expand(len(labels), styles.shape[1], height, width)
                other = network.prepare(torch.zeros_like(styles), empty)
            else:
                # the same label map: what depends on it alone is not computed again
                other = self._plain.replace_styles(network.null_styles(labels))
            self._both = Conditioning.cat([other, self._plain])

    def __call__(self, latents: Tensor, timestep: int) -> Tensor:
        """Predict the noise in latents.

        Args:
            latents: Latents ``(batch, channels, height, width)``.
            timestep: Their timestep.
        """
        times = torch.full((len(latents),), timestep, device=latents.device)
        if self._both is None or not self._guided(timestep):
            return self._network.predict_noise(latents, times, self._plain)
        both = self._network.predict_noise(
            torch.cat([latents, latents]), torch.cat([times, times]), self._both
        )
        without, plain = both.chunk(2)
        return without + self._scale * (plain - without)

    def _guided(self, timestep: int) -> bool:
        return self._interval is None or self._interval[0] <= timestep <= self._interval[1]
