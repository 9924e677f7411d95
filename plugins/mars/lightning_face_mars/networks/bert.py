"""Layers of BERT, with cross attention to image tokens, under the published names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu, scaled_dot_product_attention

from lightning_face.errors import ConfigError, DataError

__all__ = ["BertEmbeddings", "BertLayer", "BertSettings", "KeysValues", "text_attention_mask"]

# what the published weights were trained with in place of minus infinity
_MASKED_SCORE = -10000.0

KeysValues = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class BertSettings:
    """Sizes of a text encoder, in the words of a published ``bert_config``.

    Attributes:
        vocab_size: Number of word pieces.
        hidden_size: Width of a token.
        num_hidden_layers: Number of layers.
        num_attention_heads: Number of heads.
        intermediate_size: Inner width of the feed-forward part.
        max_position_embeddings: Longest text in word pieces.
        type_vocab_size: Number of kinds of text; only the first is used.
        pad_token_id: Word piece of padding, whose embedding is not trained as an input.
        layer_norm_eps: Added to the variance by the norms.
        hidden_dropout_prob: Probability to drop a value of a token.
        attention_probs_dropout_prob: Probability to drop an attention.
        fusion_layer: Number of layers that encode a text alone.
        encoder_width: Width of the image tokens.
        full_ca: Whether all layers have cross attention, or only those from ``fusion_layer`` on.

    Raises:
        ConfigError: The sizes do not go together.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    pad_token_id: int = 0
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    fusion_layer: int = 6
    encoder_width: int = 768
    full_ca: bool = True

    def __post_init__(self) -> None:
        """Check the sizes."""
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"hidden_size {self.hidden_size} is no multiple of its "
                f"{self.num_attention_heads} heads"
            )
        if not 0 < self.fusion_layer <= self.num_hidden_layers:
            raise ConfigError(
                f"fusion_layer {self.fusion_layer} must lie within the {self.num_hidden_layers} "
                "layers"
            )


def text_attention_mask(attention_mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a mask of tokens ``(texts, length)`` into what is added to scores.

    Args:
        attention_mask: 1 for tokens to attend to, 0 for padding.
        dtype: Type of the scores.

    Returns:
        0 or a large negative number ``(texts, 1, 1, length)``.
    """
    return ((1 - attention_mask.to(dtype)) * _MASKED_SCORE)[:, None, None]


class BertEmbeddings(nn.Module):
    """Sum of the embeddings of words, positions and the first kind of text.

    Args:
        settings: Sizes.
    """

    position_ids: Tensor

    def __init__(self, settings: BertSettings) -> None:
        super().__init__()
        width, longest = settings.hidden_size, settings.max_position_embeddings
        self.register_buffer("position_ids", torch.arange(longest)[None])
        self.word_embeddings = nn.Embedding(settings.vocab_size, width, settings.pad_token_id)
        self.position_embeddings = nn.Embedding(longest, width)
        self.token_type_embeddings = nn.Embedding(settings.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, settings.layer_norm_eps)
        self.dropout = nn.Dropout(settings.hidden_dropout_prob)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Embed word pieces ``(texts, length)`` as ``(texts, length, hidden_size)``.

        Raises:
            DataError: The texts are longer than the positions.
        """
        length, longest = input_ids.shape[1], self.position_embeddings.num_embeddings
        if length > longest:
            raise DataError(
                f"a text has {length} word pieces and the network has {longest} positions; "
                "shorten it"
            )
        kind = self.token_type_embeddings.weight[0]
        place = self.position_embeddings.weight[:length]
        embedded: Tensor = self.dropout(
            self.LayerNorm(self.word_embeddings(input_ids) + kind + place)
        )
        return embedded


class AttentionProjections(nn.Module):
    """Linear maps of tokens to queries, keys and values.

    Args:
        settings: Sizes.
        key_width: Width of the tokens that are attended to.
    """

    def __init__(self, settings: BertSettings, key_width: int) -> None:
        super().__init__()
        width = settings.hidden_size
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(key_width, width)
        self.value = nn.Linear(key_width, width)


class ResidualOutput(nn.Module):
    """Linear map, dropout, and the norm of the sum with a residual.

    Args:
        settings: Sizes.
        in_width: Width of what is mapped.
    """

    def __init__(self, settings: BertSettings, in_width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(in_width, settings.hidden_size)
        self.LayerNorm = nn.LayerNorm(settings.hidden_size, settings.layer_norm_eps)
        self.dropout = nn.Dropout(settings.hidden_dropout_prob)

    def forward(self, hidden: Tensor, residual: Tensor) -> Tensor:
        """Map ``(..., in_width)`` and add the residual ``(..., hidden_size)``."""
        normed: Tensor = self.LayerNorm(self.dropout(self.dense(hidden)) + residual)
        return normed


class BertAttention(nn.Module):
    """Multi-head attention with its residual and norm.

    Args:
        settings: Sizes.
        key_width: Width of the tokens that are attended to.
    """

    def __init__(self, settings: BertSettings, key_width: int) -> None:
        super().__init__()
        self.num_heads = settings.num_attention_heads
        self.dropout = settings.attention_probs_dropout_prob
        self.self = AttentionProjections(settings, key_width)
        self.output = ResidualOutput(settings, settings.hidden_size)

    def queries(self, hidden: Tensor) -> Tensor:
        """Map tokens ``(texts, length, hidden_size)`` to ``(texts, length, heads, head_width)``."""
        return self.self.query(hidden).unflatten(-1, (self.num_heads, -1))

    def keys_values(self, tokens: Tensor) -> KeysValues:
        """Map tokens ``(batch, tokens, key_width)`` to keys and values.

        Returns:
            Keys and values, each ``(batch, heads, tokens, head_width)``.
        """
        # one product by joined weights is no faster, and slower for few tokens
        keys, values = (
            projection(tokens).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for projection in (self.self.key, self.self.value)
        )
        return keys, values

    def attend(
        self, queries: Tensor, keys_values: KeysValues, mask: Tensor | None = None
    ) -> Tensor:
        """Mix values.

        Args:
            queries: ``(batch, heads, length, head_width)``.
            keys_values: Keys and values ``(batch, heads, tokens, head_width)``.
            mask: Added to the scores, broadcast to ``(batch, heads, length, tokens)``.

        Returns:
            ``(batch, heads, length, head_width)``.
        """
        dropout = self.dropout if self.training else 0.0
        return scaled_dot_product_attention(queries, *keys_values, mask, dropout)

    def probabilities(self, hidden: Tensor, keys: Tensor) -> Tensor:
        """Return the attention of text tokens to image tokens, before dropout.

        Args:
            hidden: Text tokens ``(batch, length, hidden_size)``.
            keys: Keys of image tokens ``(batch, heads, tokens, head_width)``.

        Returns:
            ``(batch, heads, length, tokens)``, with sum 1 over the last axis.
        """
        queries = self.queries(hidden).transpose(1, 2)
        return (queries @ keys.mT * queries.shape[-1] ** -0.5).softmax(-1)


class Intermediate(nn.Module):
    """Linear map to the inner width, and a GELU.

    Args:
        settings: Sizes.
    """

    def __init__(self, settings: BertSettings) -> None:
        super().__init__()
        self.dense = nn.Linear(settings.hidden_size, settings.intermediate_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``(..., hidden_size)`` to ``(..., intermediate_size)``."""
        return gelu(self.dense(hidden))


class BertLayer(nn.Module):
    """Self attention, cross attention where there are images, and feed forward.

    Texts come in rounds: of each round, text b goes with picture b, or with another picture that
    was drawn for it. Texts of one picture lie behind one another as queries of one attention, so
    that keys and values are neither computed nor copied for each text.

    Args:
        settings: Sizes.
        cross_attention: Whether the layer can attend to images.
    """

    def __init__(self, settings: BertSettings, cross_attention: bool) -> None:
        super().__init__()
        self.attention = BertAttention(settings, settings.hidden_size)
        self.crossattention = (
            BertAttention(settings, settings.encoder_width) if cross_attention else None
        )
        self.intermediate = Intermediate(settings)
        self.output = ResidualOutput(settings, settings.intermediate_size)

    def forward(
        self,
        hidden: Tensor,
        mask: Tensor,
        image: KeysValues | None = None,
        drawn: Sequence[Tensor | None] = (None,),
        class_token_only: bool = False,
    ) -> Tensor:
        """Map text tokens to as many.

        Args:
            hidden: ``(rounds, pictures, length, hidden_size)``.
            mask: Added to the scores of self attention ``(rounds * pictures, 1, 1, length)``.
            image: Keys and values of the pictures, each ``(pictures, heads, tokens, head_width)``;
                without them there is no cross attention.
            drawn: For each round the picture of each text ``(pictures,)``, or None for its own.
            class_token_only: Whether to return only the first token of each text.

        Returns:
            ``(rounds, pictures, length or 1, hidden_size)``.
        """
        hidden = self.attend_to_text(hidden, mask, class_token_only)
        if image is not None and self.crossattention is not None:
            hidden = self._attend_to_images(self.crossattention, hidden, image, drawn)
        return self.feed_forward(hidden)

    def forward_explained(
        self, hidden: Tensor, mask: Tensor, image: KeysValues | None
    ) -> tuple[Tensor, Tensor]:
        """Map text tokens by cross attention whose probabilities are a node of the graph.

        Args:
            hidden: ``(1, pictures, length, hidden_size)``.
            mask: As for `forward`.
            image: As for `forward`.

        Returns:
            ``(1, pictures, length, hidden_size)``, and the probabilities
            ``(pictures, heads, length, tokens)`` before dropout.

        Raises:
            ConfigError: The layer has no cross attention.
        """
        attention = self.crossattention
        if attention is None or image is None:
            raise ConfigError("a layer without cross attention attends to no image")
        hidden = self.attend_to_text(hidden, mask)
        probabilities = attention.probabilities(hidden[0], image[0])
        dropped = dropout(probabilities, attention.dropout, self.training)
        mixed = (dropped @ image[1]).transpose(1, 2).flatten(2)
        return self.feed_forward(attention.output(mixed[None], hidden)), probabilities

    def attend_to_text(
        self, hidden: Tensor, mask: Tensor, class_token_only: bool = False
    ) -> Tensor:
        """Apply self attention to the texts of `forward`."""
        texts = hidden.flatten(0, 1)
        keys_values = self.attention.keys_values(texts)
        if class_token_only:
            hidden, texts = hidden[:, :, :1], texts[:, :1]
        queries = self.attention.queries(texts).transpose(1, 2)
        mixed = self.attention.attend(queries, keys_values, mask).transpose(1, 2)
        attended: Tensor = self.attention.output(mixed.flatten(2).view_as(hidden), hidden)
        return attended

    def feed_forward(self, hidden: Tensor) -> Tensor:
        """Apply the last part of the layer to ``(..., hidden_size)``."""
        mapped: Tensor = self.output(self.intermediate(hidden), hidden)
        return mapped

    @staticmethod
    def _attend_to_images(
        attention: BertAttention,
        hidden: Tensor,
        image: KeysValues,
        drawn: Sequence[Tensor | None],
    ) -> Tensor:
        queries = attention.queries(hidden)
        own = [number for number, index in enumerate(drawn) if index is None]
        mixed: list[Tensor] = [queries] * len(drawn)
        if own:
            chosen = queries if len(own) == len(drawn) else queries[own]
            rounds, _, length = chosen.shape[:3]
            laid = chosen.permute(1, 3, 0, 2, 4).flatten(2, 3)
            found = attention.attend(laid, image).unflatten(2, (rounds, length))
            for number, each in zip(own, found.permute(2, 0, 3, 1, 4), strict=True):
                mixed[number] = each
        for number, index in enumerate(drawn):
            if index is not None:
                keys_values = image[0][index], image[1][index]
                found = attention.attend(queries[number].transpose(1, 2), keys_values)
                mixed[number] = found.transpose(1, 2)
        attended: Tensor = attention.output(torch.stack(mixed).flatten(3), hidden)
        return attended
