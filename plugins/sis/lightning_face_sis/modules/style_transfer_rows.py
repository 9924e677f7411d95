"""How well a style swap does what it should: change one class, and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES, SWAP_CLASSES

__all__ = ["StyleTransferRows", "class_colors", "class_contrast", "swap_classes"]


class StyleTransferRows(Metric):
    """Distances of colours before and behind swaps of the style of one class.

    ``swap_before`` is the distance of the class's mean colour in reconstructions from that in the
    donors' pictures, ``swap_after`` the same of the pictures with swapped styles, and
    ``swap_others`` how far the mean colours of all other classes move, on average. Distances are
    mean absolute differences of colours in [-1, 1]. Pairs of which one has no pixel of the class
    do not count.
    """

    full_state_update = False
    sums: Tensor
    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("counts", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(
        self,
        reconstructed: Tensor,
        swapped: Tensor,
        masks: Tensor,
        donors: Tensor,
        donor_masks: Tensor,
        index: int,
    ) -> None:
        """Add pictures.

        Args:
            reconstructed: Pictures in their own styles ``(batch, 3, height, width)``.
            swapped: The same with the style of one class from a donor.
            masks: Their masks ``(batch, num_classes, height, width)``.
            donors: Pictures that gave the style ``(batch, 3, height, width)``.
            donor_masks: Their masks.
            index: The class.
        """
        before, present = class_colors(reconstructed, masks)
        after, _ = class_colors(swapped, masks)
        wanted, given = class_colors(donors, donor_masks)
        pairs = present[:, index] & given[:, index]
        target = wanted[pairs, index]
        moves = (after - before).abs().mean(dim=2)[pairs]
        others = present[pairs]
        others[:, index] = False
        terms = (
            (before[pairs, index] - target).abs().mean(dim=1),
            (after[pairs, index] - target).abs().mean(dim=1),
            moves[others],
        )
        self.sums += torch.stack([each.sum() for each in terms]).double()
        self.counts += self.counts.new_tensor([len(each) for each in terms])

    def compute(self) -> dict[str, Tensor]:
        """Return the three rows; they are undefined where no pair counted."""
        means = (self.sums / self.counts).float()
        return dict(zip(("swap_before", "swap_after", "swap_others"), means, strict=True))


def class_colors(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Average the colours of each class of each picture.

    Args:
        images: Pictures ``(batch, 3, height, width)``.
        masks: One mask a class ``(batch, num_classes, height, width)``, 0 or 1.

    Returns:
        Colours ``(batch, num_classes, 3)``, 0 for a class without pixels, and which classes have
        some ``(batch, num_classes)``.
    """
    flat = masks.float().flatten(2)
    counts = flat.sum(dim=2, keepdim=True)
    # what a run makes in half precision is measured in single precision
    with torch.autocast(images.device.type, enabled=False):
        sums = flat @ images.float().flatten(2).transpose(1, 2)
    return sums / counts.clamp_min(1), counts[..., 0] > 0


def class_contrast(images: Tensor, masks: Tensor) -> Tensor:
    """Compute how much of the variance of colours in pictures lies between their classes.

    Args:
        images: Pictures ``(batch, 3, height, width)``.
        masks: One mask a class ``(batch, num_classes, height, width)``, 0 or 1.

    Returns:
        Shares ``(batch,)``: 1 where every class has one colour, 0 where all classes have the same.
    """
    colors, _ = class_colors(images, masks)
    with torch.autocast(images.device.type, enabled=False):
        painted = torch.einsum("bkhw,bkc->bchw", masks.float(), colors)
    means = images.float().mean(dim=(2, 3), keepdim=True)
    between = (painted - means).square().sum(dim=(1, 2, 3))
    return between / (images.float() - means).square().sum(dim=(1, 2, 3)).clamp_min(1e-12)


def swap_classes(num_classes: int) -> tuple[int, ...]:
    """List the classes whose style tests swap.

    Args:
        num_classes: Number of classes of the data.

    Returns:
        Parts of the face, or all classes where there are no faces.
    """
    return SWAP_CLASSES if num_classes == len(CLASS_NAMES) else tuple(range(num_classes))
