"""The text encoder, which is also the encoder of texts together with images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from lightning_face.errors import ConfigError
from lightning_face_mars.networks.bert import (
    BertEmbeddings,
    BertLayer,
    BertSettings,
    KeysValues,
    text_attention_mask,
)

__all__ = ["ImageMemory", "TextEncoder"]

_INIT_STD = 0.02


@dataclass(frozen=True)
class ImageMemory:
    """Keys and values of image tokens, computed once for all texts that attend to them.

    Attributes:
        layers: For each layer keys and values ``(pictures, heads, tokens, head_width)``, or None
            where a layer has no cross attention.
    """

    layers: tuple[KeysValues | None, ...]


class BertEncoder(nn.Module):
    """The layers.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: BertSettings) -> None:
        super().__init__()
        self.layer = nn.ModuleList(
            BertLayer(settings, settings.full_ca or number >= settings.fusion_layer)
            for number in range(settings.num_hidden_layers)
        )


class BertModel(nn.Module):
    """Embeddings and layers, without a pooler.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: BertSettings) -> None:
        super().__init__()
        self.embeddings = BertEmbeddings(settings)
        self.encoder = BertEncoder(settings)


class HeadTransform(nn.Module):
    """Linear map, GELU and norm before the decoder of a language-model head.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: BertSettings) -> None:
        super().__init__()
        self.dense = nn.Linear(settings.hidden_size, settings.hidden_size)
        self.LayerNorm = nn.LayerNorm(settings.hidden_size, settings.layer_norm_eps)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``(..., hidden_size)`` to as many."""
        mapped: Tensor = self.LayerNorm(gelu(self.dense(hidden)))
        return mapped


class LanguageModelHead(nn.Module):
    """Scores of all words for each token, by the very embeddings of the words.

    Args:
        settings: Sizes.
        words: The embeddings.
    """

    def __init__(self, settings: BertSettings, words: nn.Embedding) -> None:
        super().__init__()
        self.transform = HeadTransform(settings)
        self.bias = nn.Parameter(torch.zeros(settings.vocab_size))
        self.decoder = nn.Linear(settings.hidden_size, settings.vocab_size)
        self.decoder.weight = words.weight
        self.decoder.bias = self.bias

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``(..., hidden_size)`` to ``(..., vocab_size)``."""
        scores: Tensor = self.decoder(self.transform(hidden))
        return scores


class TextEncoder(nn.Module):
    """BERT without a pooler, whose layers attend to image tokens where there are any.

    The modes of the published code are `encode_text` ("text"), `encode_with_images`
    ("multi_modal") and `fuse` ("fusion").

    Args:
        settings: Sizes.
        language_model: Whether there is a head that scores words.

    Source: ALBEF (Li et al., NeurIPS 2021), section 3.1; cross attention in all layers: MARS
        (Ergasti et al., 2024).
    """

    def __init__(self, settings: BertSettings, language_model: bool = True) -> None:
        super().__init__()
        self.settings = settings
        self.bert = BertModel(settings)
        self._initialize()
        if language_model:
            head = LanguageModelHead(settings, self.bert.embeddings.word_embeddings)
            nn.init.normal_(head.transform.dense.weight, std=_INIT_STD)
            nn.init.zeros_(head.transform.dense.bias)
            self.cls = nn.ModuleDict({"predictions": head})

    def _initialize(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=_INIT_STD)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    @property
    def layers(self) -> list[BertLayer]:
        """All layers in their order."""
        return cast("list[BertLayer]", list(self.bert.encoder.layer))

    def encode_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode texts by themselves, with the layers below ``fusion_layer``.

        Args:
            input_ids: Word pieces ``(texts, length)``, int64.
            attention_mask: 1 for word pieces, 0 for padding ``(texts, length)``.

        Returns:
            ``(texts, length, hidden_size)``; padded places have values too.
        """
        hidden = self.bert.embeddings(input_ids)[None]
        mask = text_attention_mask(attention_mask, hidden.dtype)
        for layer in self.layers[: self.settings.fusion_layer]:
            hidden = layer(hidden, mask)
        return hidden[0]

    def image_memory(self, image_tokens: Tensor) -> ImageMemory:
        """Compute what texts need of pictures, once for all texts.

        Args:
            image_tokens: ``(pictures, tokens, encoder_width)``.
        """
        return ImageMemory(
            tuple(
                layer.crossattention.keys_values(image_tokens) if layer.crossattention else None
                for layer in self.layers
            )
        )

    def encode_with_images(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        memory: ImageMemory,
        drawn: Sequence[Tensor | None] | None = None,
        class_token_only: bool = False,
    ) -> Tensor:
        """Encode texts from their word pieces through all layers, each with a picture.

        Args:
            input_ids: Word pieces ``(pictures, length)``, one text for each picture; or
                ``(rounds, pictures, length)``, several.
            attention_mask: 1 for word pieces, 0 for padding, of the same shape.
            memory: Of the pictures.
            drawn: For each round None where text b goes with picture b, or the indices
                ``(pictures,)`` of the pictures that were drawn for its texts.
            class_token_only: Whether only the first token of each text is wanted, which saves
                most of the last layer.

        Returns:
            ``(pictures, length, hidden_size)``, or with the rounds in front; length 1 where
            ``class_token_only`` is set.
        """
        hidden = self.bert.embeddings(input_ids.flatten(0, -2)).view(*input_ids.shape, -1)
        return self._through(0, hidden, attention_mask, memory, drawn, class_token_only)

    def fuse(
        self,
        hidden: Tensor,
        attention_mask: Tensor,
        memory: ImageMemory,
        drawn: Sequence[Tensor | None] | None = None,
        class_token_only: bool = False,
    ) -> Tensor:
        """Take texts of `encode_text` through the remaining layers, each with a picture.

        Args:
            hidden: ``(pictures, length, hidden_size)`` or ``(rounds, pictures, length,
                hidden_size)``.
            attention_mask: As for `encode_with_images`, like the other arguments.
            memory: Of the pictures.
            drawn: Pictures of the texts of each round.
            class_token_only: Whether only the first token of each text is wanted.

        Returns:
            As `encode_with_images`; the same numbers.

        Raises:
            ConfigError: The layers below ``fusion_layer`` see the image as well.
        """
        if self.settings.full_ca:
            raise ConfigError(
                "a text encoder with full_ca reads the image in every layer: texts cannot be "
                "encoded before; use encode_with_images"
            )
        first = self.settings.fusion_layer
        return self._through(first, hidden, attention_mask, memory, drawn, class_token_only)

    def _through(
        self,
        first: int,
        hidden: Tensor,
        attention_mask: Tensor,
        memory: ImageMemory,
        drawn: Sequence[Tensor | None] | None,
        class_token_only: bool,
    ) -> Tensor:
        single = hidden.ndim == 3
        if single:
            hidden = hidden[None]
        if drawn is None:
            drawn = [None] * len(hidden)
        mask = text_attention_mask(attention_mask.flatten(0, -2), hidden.dtype)
        layers = self.layers
        for number in range(first, len(layers)):
            last = class_token_only and number == len(layers) - 1
            hidden = layers[number](hidden, mask, memory.layers[number], drawn, last)
        return hidden[0] if single else hidden

    def cross_attention(
        self, input_ids: Tensor, attention_mask: Tensor, image_tokens: Tensor, layer: int
    ) -> tuple[Tensor, Tensor]:
        """Encode texts with images and show what one layer attends to.

        Args:
            input_ids: Word pieces ``(batch, length)``.
            attention_mask: 1 for word pieces, 0 for padding ``(batch, length)``.
            image_tokens: ``(batch, tokens, encoder_width)``.
            layer: Number of the layer, counted from 0.

        Returns:
            Hidden states of the last layer ``(batch, length, hidden_size)``, computed from the
            attention probabilities ``(batch, heads, length, tokens)``, which are a node of the
            graph: gradients with respect to them can be asked for.

        Raises:
            ConfigError: The network has no such layer, or it has no cross attention.
        """
        layers = self.layers
        if not 0 <= layer < len(layers) or layers[layer].crossattention is None:
            able = [number for number, each in enumerate(layers) if each.crossattention]
            raise ConfigError(f"layer {layer} has no cross attention; layers {able} have")
        memory = self.image_memory(image_tokens)
        hidden = self.bert.embeddings(input_ids)[None]
        mask = text_attention_mask(attention_mask, hidden.dtype)
        probabilities = hidden
        for number, each in enumerate(layers):
            if number == layer:
                hidden, probabilities = each.forward_explained(hidden, mask, memory.layers[number])
            else:
                hidden = each(hidden, mask, memory.layers[number])
        return hidden[0], probabilities

    def word_scores(self, hidden: Tensor) -> Tensor:
        """Score all words for each token.

        Args:
            hidden: Hidden states ``(..., hidden_size)``.

        Returns:
            Logits ``(..., vocab_size)``.
        """
        scores: Tensor = self.cls["predictions"](hidden)
        return scores
