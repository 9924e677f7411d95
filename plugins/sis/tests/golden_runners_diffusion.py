"""Ways to compute the stored cases of latent diffusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_face.testing.golden import Runner

RUNNERS: dict[str, Runner] = {}
