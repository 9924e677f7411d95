"""The loss of positive relation detection."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["relation_loss"]


def relation_loss(logits: Tensor, replaced: Tensor) -> Tensor:
    """Tell a picture's own caption from another caption of the same person.

    Args:
        logits: Those of the head for the true pairs ``(batch, 2)``.
        replaced: 1 where the caption is another one of the person, else 0 ``(batch,)``.

    Returns:
        Mean cross entropy.

    Source:
        Y. Bai et al., RaSa, IJCAI 2023 (arXiv 2305.13653), positive relation detection.
    """
    return cross_entropy(logits.float(), replaced)
