"""The blind baseline of synthesis: every class in the colour that it has on average."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["MeanColors"]


class MeanColors:
    """Mean colour of each class over all pictures of all processes.

    What a network synthesises should be nearer to the truth than pictures painted in these, which
    takes no look at any picture.

    Args:
        num_classes: Number of classes.
    """

    def __init__(self, num_classes: int) -> None:
        # columns: red, green, blue, pixels
        self._sums = torch.zeros(num_classes, 4, dtype=torch.float64)

    @property
    def known(self) -> bool:
        """Whether any picture was added."""
        return bool(self._sums[:, 3].any())

    def update(self, images: Tensor, masks: Tensor) -> None:
        """Add pictures.

        Args:
            images: Pictures ``(batch, 3, height, width)``.
            masks: One mask a class ``(batch, num_classes, height, width)``, 0 or 1.
        """
        flat = masks.float().flatten(2)
        sums = (flat @ images.float().flatten(2).transpose(1, 2)).double().sum(dim=0)
        pixels = flat.sum(dim=(0, 2)).double().unsqueeze(1)
        self._sums = self._sums.to(sums.device) + torch.cat([sums, pixels], dim=1)

    def paint(self, masks: Tensor) -> Tensor:
        """Paint masks; a class never seen is grey.

        Args:
            masks: One mask a class ``(batch, num_classes, height, width)``, 0 or 1.

        Returns:
            Pictures ``(batch, 3, height, width)``.
        """
        total = self.total(masks.device)
        colors = (total[:, :3] / total[:, 3:].clamp_min(1)).float()
        with torch.autocast(masks.device.type, enabled=False):
            return torch.einsum("bkhw,kc->bchw", masks.float(), colors)

    def total(self, device: torch.device | str = "cpu") -> Tensor:
        """Return sums of colours and numbers of pixels over all processes.

        Args:
            device: Where the processes exchange tensors.

        Returns:
            Red, green, blue and pixels of each class ``(num_classes, 4)``.
        """
        total = self._sums.to(device, copy=True)
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(total)
        return total

    def restore(self, total: Tensor, processes: int) -> None:
        """Go on from what `total` returned; every process takes an equal part of it."""
        self._sums = total / processes
