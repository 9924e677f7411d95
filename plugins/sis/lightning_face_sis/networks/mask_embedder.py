"""Masks as small latent pictures."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MaskEmbedder"]


class MaskEmbedder(nn.Module):
    """One linear map, shared by all classes, from the mask of a class to its latent picture.

    Args:
        grid: Height and width of a latent picture.
        mask_size: Side to which masks are brought before, whatever their proportions.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071), section III.
    """

    def __init__(self, grid: tuple[int, int] = (16, 16), mask_size: int = 128) -> None:
        super().__init__()
        self.grid = (grid[0], grid[1])
        self.mask_size = mask_size
        self.projection = nn.Linear(mask_size**2, grid[0] * grid[1])

    def forward(self, masks: Tensor) -> Tensor:
        """Embed masks.

        Args:
            masks: One mask a class ``(batch, classes, height, width)``, 0 or 1, of any size.

        Returns:
            Latent pictures ``(batch, classes, *grid)``.
        """
        resized = F.interpolate(masks, size=(self.mask_size, self.mask_size), mode="nearest")
        return self.projection(resized.flatten(2)).unflatten(2, self.grid)
