"""Stylising many pairs of pictures with each picture encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.metrics.feature_cache import FeatureCache
from lightning_face_mambast.mambast import Encoding, MambaST
from lightning_face_mambast.shuffle import StyleShuffle

__all__ = ["PairStylizer"]


class PairStylizer:
    """Makes stylised pictures and remembers the encodings of contents and styles.

    For all pairs of 20 contents and 40 styles, the published network runs 27 blocks for every
    pair. Here it is 3 for each of the 60 pictures and 3 for every pair, an eighth.

    Args:
        network: The network, in evaluation mode.
        shuffles: Orders of the style tokens; the result is the mean over all of them.
        strength: 1 is the whole style, 0 the content with itself as style.
        kept: Number of contents and of styles remembered.

    Raises:
        ValueError: If there is no order.
    """

    def __init__(
        self,
        network: MambaST,
        shuffles: Sequence[StyleShuffle],
        strength: float = 1.0,
        kept: int = 64,
    ) -> None:
        if not shuffles:
            msg = "a stylised picture needs at least one order of the style tokens"
            raise ValueError(msg)
        self.network = network
        self.shuffles = list(shuffles)
        self.strength = strength
        self._contents: FeatureCache[Encoding] = FeatureCache(kept)
        self._styles: FeatureCache[Encoding] = FeatureCache(kept)
        self._selves: FeatureCache[Encoding] = FeatureCache(kept)

    @torch.no_grad()
    def __call__(
        self,
        contents: Tensor,
        styles: Tensor,
        content_names: list[str] | None = None,
        style_names: list[str] | None = None,
    ) -> Tensor:
        """Stylise a batch of pairs.

        Args:
            contents: RGB in [0, 1] ``(batch, 3, height, width)``.
            styles: RGB in [0, 1] ``(batch, 3, any height, any width)``.
            content_names: A name for each content, by which its encoding is found again; None
                keeps nothing.
            style_names: The same for the styles.

        Returns:
            Stylised pictures ``(batch, 3, height, width)``, not clamped.
        """
        size = contents.shape[2:]
        if not self._shuffled and styles.shape[2:] != size:
            styles = functional.interpolate(styles, size, mode="bilinear", antialias=True)
            if style_names is not None:
                style_names = [f"{name}/{size[0]}x{size[1]}" for name in style_names]
        content = _join(
            self._contents.of_each(contents, content_names, self.network.encode_content)
        )
        style = _join(self._styles.of_each(styles, style_names, self.network.encode_style))
        itself = None
        if self.strength != 1:
            encodings = self._selves.of_each(contents, content_names, self.network.encode_style)
            itself = _join(encodings)
        images = [self._decode(content, style, itself, shuffle) for shuffle in self.shuffles]
        return images[0] if len(images) == 1 else torch.stack(images).mean(dim=0)

    @property
    def _shuffled(self) -> bool:
        """Whether the places of style tokens are lost."""
        return self.network.rnd_style and all(each.mode != "none" for each in self.shuffles)

    def _decode(
        self, content: Encoding, style: Encoding, itself: Encoding | None, shuffle: StyleShuffle
    ) -> Tensor:
        """Make the pictures for one order of the style tokens."""
        tokens = self.network.mix(content, style, self._permutations(content, style, shuffle))
        if itself is not None:
            permutations = self._permutations(content, itself, shuffle)
            tokens = torch.lerp(
                self.network.mix(content, itself, permutations), tokens, self.strength
            )
        return self.network.render(tokens, content.size)

    def _permutations(self, content: Encoding, style: Encoding, shuffle: StyleShuffle) -> Tensor:
        """Orders ``(batch or 1, layers, tokens)``, drawn for each pair; the given one if none."""
        batch, height, width, _ = content.tokens.shape
        layers, tokens = self.network.num_decoder_layers, height * width
        if not self._shuffled:
            return torch.arange(tokens).expand(1, layers, -1)
        style_tokens = style.tokens.shape[1] * style.tokens.shape[2]
        drawn = [shuffle(layers, tokens, style_tokens) for _ in range(batch)]
        return torch.stack([each for each in drawn if each is not None])


def _join(encodings: Iterable[Encoding]) -> Encoding:
    """Put the encodings of single pictures of one size into one batch."""
    parts = list(encodings)
    if len(parts) == 1:
        return parts[0]
    positions = [each.position for each in parts if each.position is not None]
    return Encoding(
        torch.cat([each.tokens for each in parts]),
        torch.cat(positions) if positions else None,
        parts[0].size,
    )
