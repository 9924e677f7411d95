"""Pictures to tokens."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["PatchEmbed"]


class PatchEmbed(nn.Module):
    """Cut a picture into square patches and map each to a token.

    Args:
        d_model: Channels of a token.
        patch_size: Side of a patch in pixels.
    """

    def __init__(self, d_model: int = 512, patch_size: int = 8) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, d_model, patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """Embed pictures.

        Args:
            images: RGB in [0, 1], ``(batch, 3, height, width)``.

        Returns:
            Tokens ``(batch, d_model, height / patch_size, width / patch_size)``.
        """
        return self.proj(images)
