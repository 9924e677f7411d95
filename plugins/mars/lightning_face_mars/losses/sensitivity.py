"""The loss of replaced token detection with the momentum encoders."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["SensitivityTerms", "sensitivity_loss"]


class SensitivityTerms(NamedTuple):
    """What replaced tokens give.

    Attributes:
        loss: Mean cross entropy of the labelled positions; 0 where there is none.
        accuracy: Share of them that is told right, in [0, 1].
    """

    loss: Tensor
    accuracy: Tensor


def sensitivity_loss(logits: Tensor, labels: Tensor) -> SensitivityTerms:
    """Find the words that the teacher has put into a caption.

    Args:
        logits: Those of the head at every position ``(batch, length, 2)``.
        labels: 1 for a replaced word, 0 for a true one, -100 to be left out ``(batch, length)``.

    Source:
        Y. Bai et al., RaSa, IJCAI 2023 (arXiv 2305.13653), momentum-based replaced token
        detection.
    """
    known = (labels >= 0).sum().clamp(min=1)
    total = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
    right = (logits.argmax(dim=2) == labels).sum()
    return SensitivityTerms(total / known, right / known)
