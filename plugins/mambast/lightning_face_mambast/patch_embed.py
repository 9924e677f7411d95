"""Pictures to tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lightning_face_mambast.ss2d import Initialisation

__all__ = ["PatchEmbed"]

# brings deviations from mid-grey, a fifth or so, near one
GAIN = 3.0


class PatchEmbed(nn.Module):
    """Cut a picture into square patches and map each to a token.

    Args:
        d_model: Channels of a token.
        patch_size: Side of a patch in pixels.
        init: ``reference`` leaves the filters at torch's start values, as the published training
            does, with tokens that tell little but how bright a patch is; ``s4d`` starts with
            orthogonal filters around mid-grey, which keep what sets patches apart.
    """

    def __init__(
        self, d_model: int = 512, patch_size: int = 8, init: Initialisation = "reference"
    ) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, d_model, patch_size, stride=patch_size)
        if init == "s4d":
            nn.init.orthogonal_(self.proj.weight, gain=GAIN)
            with torch.no_grad():
                self.proj.bias.copy_(-0.5 * self.proj.weight.flatten(1).sum(dim=1))  # type: ignore[union-attr]

    def forward(self, images: Tensor) -> Tensor:
        """Embed pictures.

        Args:
            images: RGB in [0, 1], ``(batch, 3, height, width)``.

        Returns:
            Tokens ``(batch, d_model, height / patch_size, width / patch_size)``.
        """
        return self.proj(images)
