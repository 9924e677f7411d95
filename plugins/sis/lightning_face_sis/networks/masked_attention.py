"""Attention of pixels to style tokens, each pixel to the token of its own class."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.pixelwise import PixelwiseLinear

__all__ = ["MaskedCrossAttention", "PickedRows", "SharedTokens"]


class PickedRows(NamedTuple):
    """Outcome of masked attention where every pixel has one class or none.

    Attributes:
        rows: What a pixel of each class receives, then of none
            ``(batch, classes + 1, query_dim)``.
        classes: Class of every pixel ``(batch, height * width)``.
        styles: The style tokens ``(batch, classes, context_dim)``.
    """

    rows: Tensor
    classes: Tensor
    styles: Tensor


class SharedTokens(NamedTuple):
    """What pixels look at where the outcome depends on the pixel itself.

    Attributes:
        keys: Keys ``(batch, heads, classes, head_dim)``.
        values: Values of the same shape.
        masks: Factors of the logits ``(batch, 1, height * width, classes)``; None without masks.
    """

    keys: Tensor
    values: Tensor
    masks: Tensor | None


class MaskedCrossAttention(nn.Module):
    """Multi-head attention whose logits are multiplied by the masks of the classes.

    A product of exactly 0 counts as minus infinity, yet finite: where all products of a pixel are
    0 (it has no class, or its token is 0), it receives the mean of all values. Where every pixel
    has one class or none, queries and keys have no say, and rows are picked out of a table.

    Args:
        query_dim: Width of a pixel.
        context_dim: Width of a style token.
        heads: Number of heads.
        head_dim: Width of a head.

    Source:
        Ergasti et al., "Controllable Face Synthesis with Semantic Latent Diffusion Models"
        (arXiv 2403.12743), section 3.
    """

    def __init__(self, query_dim: int, context_dim: int, heads: int, head_dim: int = 32) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.head_dim = head_dim
        self.to_q = PixelwiseLinear(query_dim, inner, bias=False)
        self.to_k = nn.Linear(context_dim, inner, bias=False)
        self.to_v = nn.Linear(context_dim, inner, bias=False)
        # the list gives the weights their published names
        self.to_out = nn.Sequential(PixelwiseLinear(inner, query_dim))

    def prepare(
        self, styles: Tensor, labels: LabelPyramid | None, grid: tuple[int, int]
    ) -> PickedRows | SharedTokens:
        """Compute what does not depend on the pixels.

        Args:
            styles: Style tokens ``(batch, classes, context_dim)``.
            labels: Label maps of the same batch or of 1; None if every pixel sees every token.
            grid: Height and width of the picture that the pixels are of.
        """
        values = self.to_v(styles)
        if labels is None or not labels.hard:
            masks = None
            if labels is not None:
                masks = labels.masks(grid, values.dtype).flatten(2).transpose(1, 2).unsqueeze(1)
            return SharedTokens(self._split(self.to_k(styles)), self._split(values), masks)
        mean = values.mean(dim=1, keepdim=True)
        blank = (styles == 0).all(dim=2, keepdim=True)
        values = torch.cat([torch.where(blank, mean, values), mean], dim=1)
        return PickedRows(self.to_out(values), labels.classes(grid).flatten(1), styles)

    def forward(self, tokens: Tensor, prepared: PickedRows | SharedTokens) -> Tensor:
        """Attend.

        Args:
            tokens: Pixels, row by row ``(batch, height * width, query_dim)``.
            prepared: What :meth:`prepare` gave, of the same batch or of 1.

        Returns:
            Tokens ``(batch, height * width, query_dim)``, with a batch of 1 if the pixels have no
            say and one outcome is shared by all.
        """
        if isinstance(prepared, PickedRows):
            return _pick(prepared.rows, prepared.classes)
        query = self._split(self.to_q(tokens))
        keys = prepared.keys.expand(len(query), -1, -1, -1)
        values = prepared.values.expand(len(query), -1, -1, -1)
        if prepared.masks is None:
            mixed = F.scaled_dot_product_attention(query, keys, values)
        else:
            products = query @ keys.transpose(2, 3) * self.head_dim**-0.5 * prepared.masks
            lowest = torch.finfo(products.dtype).min
            mixed = products.masked_fill(products == 0, lowest).softmax(dim=-1) @ values
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out

    def logits(self, tokens: Tensor, prepared: PickedRows | SharedTokens) -> Tensor:
        """Compute the scaled logits before the masks.

        Args:
            tokens: Pixels, row by row ``(batch, height * width, query_dim)``.
            prepared: What :meth:`prepare` gave.

        Returns:
            Logits ``(batch, heads, height * width, classes)``.
        """
        if isinstance(prepared, PickedRows):
            keys = self._split(self.to_k(prepared.styles))
        else:
            keys = prepared.keys
        return self._split(self.to_q(tokens)) @ keys.transpose(2, 3) * self.head_dim**-0.5

    def _split(self, tokens: Tensor) -> Tensor:
        """Cut ``(batch, tokens, heads * head_dim)`` into ``(batch, heads, tokens, head_dim)``."""
        return tokens.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)


def _pick(rows: Tensor, classes: Tensor) -> Tensor:
    """Give every pixel the row of its class.

    Args:
        rows: Rows ``(batch or 1, classes, dim)``.
        classes: Class of every pixel ``(batch or 1, pixels)``.

    Returns:
        Rows ``(batch, pixels, dim)``.
    """
    starts = torch.arange(len(rows), device=rows.device).unsqueeze(1) * rows.shape[1]
    return F.embedding(classes + starts, rows.flatten(0, 1))
