"""How far synthesised faces are from the persons they should show."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lightning_face_sis.networks.recognition import RecognitionNetwork

__all__ = ["IdentityLoss", "identity_loss"]


def identity_loss(embeddings: Tensor, targets: Tensor) -> Tensor:
    """Average one minus the cosine of each embedding with its target.

    Args:
        embeddings: Embeddings of synthesised faces ``(batch, embedding_dim)``, of any length.
        targets: Embeddings of the persons they should show, same shape.

    Returns:
        The loss, a scalar from 0 (same directions) to 2 (opposite directions).
    """
    return (1 - functional.cosine_similarity(embeddings, targets)).mean()


class IdentityLoss(nn.Module):
    """Identity loss of pictures under a recognition network.

    Args:
        recognition: The network; it is not trained.

    Source:
        Tarollo et al., "Adversarial Identity Injection for Semantic Face Image Synthesis",
        identity preservation loss; the paper gives no code, the cosine form is this project's.
    """

    def __init__(self, recognition: RecognitionNetwork) -> None:
        super().__init__()
        self.recognition = recognition

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Compare synthesised faces with the identities that were injected.

        Args:
            images: Synthesised pictures ``(batch, 3, height, width)`` in [-1, 1].
            targets: Embeddings ``(batch, embedding_dim)``; no gradient flows into them.

        Returns:
            The loss, a scalar in [0, 2].
        """
        return identity_loss(self.recognition(images), targets.detach())
