"""The reward for making different pictures of different noise."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import l1_loss

__all__ = ["diversity_loss"]


def diversity_loss(images: Tensor, other_images: Tensor) -> Tensor:
    """Compute the negative mean difference of pictures of the same masks and other noise.

    Args:
        images: Generated pictures ``(batch, 3, height, width)``.
        other_images: Pictures of the same masks from other noise; no gradient flows into them.

    Returns:
        A scalar, the lower the more the noise changes the picture.

    Source:
        Choi et al., "StarGAN v2: Diverse Image Synthesis for Multiple Domains", equation 3, with
        the second picture held fixed.
    """
    return -l1_loss(images.float(), other_images.detach().float())
