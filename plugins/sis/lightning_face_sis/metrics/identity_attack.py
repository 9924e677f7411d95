"""Whether hiding a second identity in pictures deceives a recognition network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lightning_face_sis.metrics.identity_threshold import verification_threshold

__all__ = ["IdentityAttack", "attack_rates"]


def attack_rates(
    source_similarities: Tensor, target_similarities: Tensor, threshold: Tensor | float
) -> dict[str, Tensor]:
    """Summarise how often attacked pictures pass for the injected person and for their own.

    Args:
        source_similarities: Cosines of the pictures with the persons they show ``(pictures,)``.
        target_similarities: Cosines with the injected persons, same shape.
        threshold: Cosine above which a picture is accepted, see
            `lightning_face_sis.metrics.identity_threshold.verification_threshold`.

    Returns:
        The means ``similarity_source`` and ``similarity_target``, and the shares
        ``attack_success`` (accepted as the injected person), ``kept_source`` (accepted as the
        person shown) and ``both``, each a scalar; nan without pictures.

    Source:
        Tarollo et al., "Adversarial Identity Injection for Semantic Face Image Synthesis",
        sections on the attack; the shares are defined by this project.
    """
    as_source, as_target = source_similarities > threshold, target_similarities > threshold
    return {
        "similarity_source": source_similarities.mean(),
        "similarity_target": target_similarities.mean(),
        "attack_success": as_target.float().mean(),
        "kept_source": as_source.float().mean(),
        "both": (as_source & as_target).float().mean(),
    }


class IdentityAttack(Metric):
    """Rates of an attack under one recognition network, see `attack_rates`.

    Args:
        recognition: Maps pictures ``(batch, 3, height, width)`` in [-1, 1] to embeddings;
            without one, `update` takes embeddings.
        threshold: Cosine above which a picture is accepted; by default it is found from the
            pairs of sources that show different persons.
        false_accept_rate: Share of those pairs that may be accepted.
        embedding_dim: Length of an embedding.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    source_similarities: list[Tensor]
    target_similarities: list[Tensor]
    sources: list[Tensor]
    persons: list[Tensor]

    def __init__(
        self,
        recognition: nn.Module | None = None,
        threshold: float | None = None,
        false_accept_rate: float = 1e-3,
        embedding_dim: int = 512,
    ) -> None:
        super().__init__()
        self.recognition = recognition
        self.threshold = threshold
        self.false_accept_rate = false_accept_rate
        self.embedding_dim = embedding_dim
        for name in ("source_similarities", "target_similarities", "sources", "persons"):
            self.add_state(name, default=[], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        """Forget all pictures."""
        super().reset()
        # With no row at all, a process that saw no picture could not take part in the gathering.
        for similarities in (self.source_similarities, self.target_similarities):
            similarities.append(torch.zeros(0, device=self.device))
        self.sources.append(torch.zeros(0, self.embedding_dim, device=self.device))
        self.persons.append(torch.zeros(0, dtype=torch.long, device=self.device))

    @torch.no_grad()
    def update(
        self, generated: Tensor, sources: Tensor, targets: Tensor, persons: Tensor | None = None
    ) -> None:
        """Add attacked pictures.

        Args:
            generated: Pictures with a hidden identity, or embeddings ``(batch, embedding_dim)``.
            sources: Pictures of the persons they show, or embeddings.
            targets: Pictures of the persons that were injected, or embeddings.
            persons: Numbers of the persons that the sources show ``(batch,)``; where they are not
                known, every source counts as a person of its own.
        """
        generated, sources, targets = (
            (each if self.recognition is None else self.recognition(each)).float()
            for each in (generated, sources, targets)
        )
        self.source_similarities.append(functional.cosine_similarity(generated, sources))
        self.target_similarities.append(functional.cosine_similarity(generated, targets))
        self.sources.append(sources)
        unknown = torch.full((len(sources),), -1, device=self.device)
        self.persons.append(unknown if persons is None else persons.long())

    def compute(self) -> dict[str, Tensor]:
        """Return the rates and the ``threshold`` of all pictures seen, on every process."""
        threshold = (
            verification_threshold(
                dim_zero_cat(self.sources), self.false_accept_rate, dim_zero_cat(self.persons)
            )
            if self.threshold is None
            else torch.tensor(self.threshold, device=self.device)
        )
        source = dim_zero_cat(self.source_similarities)
        target = dim_zero_cat(self.target_similarities)
        return {**attack_rates(source, target, threshold), "threshold": threshold}
