"""Generator that shows a given identity, injected as one more token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face_sis.networks.generator import CA2SISGenerator, GeneratorOutput

__all__ = ["IdentityInjectionGenerator"]


class IdentityInjectionGenerator(CA2SISGenerator):
    """CA2-SIS whose pixels also attend to the embedding of a person.

    The embedding, brought to the length ``sqrt(identity_dim)``, is mapped to the width of a style
    code and stands behind the codes of the classes. It has no mask: the attention loss is that of
    the classes. Without an identity the network is CA2-SIS.

    Args:
        identity_dim: Length of an embedding.
        **generator: Settings of `CA2SISGenerator`.

    Source:
        Tarollo et al., "Adversarial Identity Injection for Semantic Face Image Synthesis"
        (arXiv 2404.10408). The paper has no public code: that the embedding is a token among the
        style codes is the paper's, its scale, the projection with tanh and its place are this
        project's.
    """

    def __init__(self, identity_dim: int = 512, **generator: Any) -> None:  # noqa: ANN401
        super().__init__(**generator)
        context_dim = self.style_encoder.num_codes * self.style_encoder.style_dim
        self.identity_dim = identity_dim
        self.identity_projection = nn.Sequential(nn.Linear(identity_dim, context_dim), nn.Tanh())

    def inject_identity(self, styles: Tensor, identity: Tensor) -> Tensor:
        """Put the token of a person behind the style codes of the classes.

        Args:
            styles: Style codes ``(batch, num_classes, 5 * style_dim)``.
            identity: Embeddings ``(batch, identity_dim)``, of any length but zero; no gradient
                flows into them.

        Returns:
            Tokens ``(batch, num_classes + 1, 5 * style_dim)``, for `decode`.
        """
        scaled = functional.normalize(identity.detach()) * self.identity_dim**0.5
        token = self.identity_projection(scaled).unsqueeze(1)
        return torch.cat([styles, token.to(styles)], dim=1)

    def forward(
        self,
        images: Tensor,
        masks: Tensor,
        target_masks: Tensor | None = None,
        *,
        identity: Tensor | None = None,
        with_attention_loss: bool = False,
    ) -> GeneratorOutput:
        """Paint masks with the styles of a picture and the identity of a person.

        Args:
            images: Pictures that give the styles ``(batch, 3, height, width)`` in -1..1, with
                sides that are multiples of 64.
            masks: Their masks ``(batch, num_classes, height, width)``, 0 or 1.
            target_masks: Masks to paint, of any size; the same if None.
            identity: Embeddings ``(batch, identity_dim)``; None injects none.
            with_attention_loss: Whether to compute the attention loss, with ``masks``.
        """
        tokens = self.encode_style(images, masks)
        if identity is not None:
            tokens = self.inject_identity(tokens, identity)
        latents = self.embed_mask(masks if target_masks is None else target_masks)
        return self.decode(latents, tokens, masks if with_attention_loss else None)
