"""Any variant of a sentence, decoded from the latents of its speech and of an expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face_emovoca.builder.envelope import Envelope
from lightning_face_emovoca.networks.de_sd import DESD

__all__ = ["VariantDecoder"]

Floats = NDArray[np.float32]

# the strength at which an expression is as it was recorded
_RECORDED = 2.0


class VariantDecoder:
    """Decodes frames; what does not change from frame to frame is computed once.

    Args:
        network: The generator.
        talking_strength: Factor of the latents of speech.
        expressions: Latents of the expressions of one actor, ``(expressions, latent)`` at their
            apex or ``(expressions, frames, latent)`` in motion, which rest in their last frame.
        neutral: Latent of no expression ``(latent,)``.
        region: Weights by which expressions move the vertices ``(vertices,)``; None moves all.
        envelope: Strength of the expressions within the sentence; None means full strength.
        frame_rate: Frames each second.

    Source: Nocentini et al., EmoVOCA, WACV 2025, section 3.
    """

    def __init__(
        self,
        network: DESD,
        talking_strength: float,
        expressions: Floats,
        neutral: Floats,
        region: Floats | None = None,
        envelope: Envelope | None = None,
        frame_rate: float = 60.0,
    ) -> None:
        self._network = network
        self._device = network.fc_latent_dec.weight.device
        self._strength = talking_strength
        self._envelope = envelope
        self._frame_rate = frame_rate
        latents = expressions if expressions.ndim == 3 else expressions[:, None]
        self._expressions = self._expression_terms(latents)
        self._neutral = self._expression_terms(neutral[None, None])[0]
        self._region: Tensor | None = None
        if region is not None:
            self._region = torch.from_numpy(region)[:, None].to(self._device)

    @torch.inference_mode()
    def talking_terms(self, latents: Floats) -> Tensor:
        """Return what the variants of frames have in common.

        Args:
            latents: Latents of their speech ``(frames, latent)``.
        """
        terms = self._network.talking_terms(torch.from_numpy(latents).to(self._device))
        return self._strength * terms

    @torch.inference_mode()
    def decode(
        self,
        talking_terms: Tensor,
        expression: int | None,
        intensity: float,
        frames: range,
        num_frames: int,
    ) -> Tensor:
        """Decode frames of one variant.

        Args:
            talking_terms: What `talking_terms` returned for these frames.
            expression: Place of the expression; None for none.
            intensity: Strength of the expression, 2 as recorded.
            frames: Numbers of the frames in the sentence.
            num_frames: Frames of the whole sentence.

        Returns:
            Displacements ``(frames, vertices, 3)`` in metres, float32.
        """
        variant = [(expression, intensity)]
        return next(self.decode_all(talking_terms, variant, frames, num_frames))

    @torch.inference_mode()
    def decode_all(
        self,
        talking_terms: Tensor,
        variants: Sequence[tuple[int | None, float]],
        frames: range,
        num_frames: int,
    ) -> Iterator[Tensor]:
        """Decode frames of several variants, on a GPU all at once.

        Args:
            talking_terms: What `talking_terms` returned for these frames.
            variants: Places of expressions, and their strengths.
            frames: Numbers of the frames in the sentence.
            num_frames: Frames of the whole sentence.

        Yields:
            Displacements ``(frames, vertices, 3)`` in metres, float32, of each variant.
        """
        added = (self._added(*variant, frames, num_frames) for variant in variants)
        plain: Tensor | None = None
        if self._region is not None:
            plain = self._network.decode_terms(talking_terms + _RECORDED * self._neutral)
        if self._device.type == "cpu":
            decoded = (self._network.decode_terms(talking_terms + each) for each in added)
        else:
            sums = torch.cat([talking_terms + each for each in added])
            decoded = iter(self._network.decode_terms(sums).split(len(talking_terms)))
        for (expression, _), motion in zip(variants, decoded, strict=True):
            if plain is None or self._region is None or expression is None:
                yield motion
            else:
                yield torch.lerp(plain, motion, self._region)

    def _added(
        self, expression: int | None, intensity: float, frames: range, num_frames: int
    ) -> Tensor:
        """Return what a variant adds to the terms of speech ``(frames or 1, term)``."""
        if expression is None:
            return intensity * self._neutral
        terms = self._expressions[expression]
        if len(terms) > 1:
            terms = terms[torch.arange(frames.start, frames.stop).clamp(max=len(terms) - 1)]
        if self._envelope is None:
            return intensity * terms
        strengths = self._envelope.at(frames, num_frames, self._frame_rate)
        return intensity * torch.from_numpy(strengths)[:, None].to(self._device) * terms

    @torch.inference_mode()
    def _expression_terms(self, latents: Floats) -> Tensor:
        rows = torch.from_numpy(np.ascontiguousarray(latents)).to(self._device)
        terms = self._network.expression_terms(rows.flatten(0, 1))
        return terms.view(*rows.shape[:2], -1)
