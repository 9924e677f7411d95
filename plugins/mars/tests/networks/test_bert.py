"""Layers of BERT."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.networks.bert import (
    BertEmbeddings,
    BertLayer,
    BertSettings,
    text_attention_mask,
)

SETTINGS = BertSettings(
    vocab_size=20,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=32,
    max_position_embeddings=8,
    fusion_layer=1,
    encoder_width=12,
)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return BertLayer(SETTINGS, cross_attention=True).eval()


@pytest.fixture
def hidden():
    return torch.randn(2, 3, 5, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def image(layer):
    tokens = torch.randn(3, 7, 12, generator=torch.Generator().manual_seed(2))
    return layer.crossattention.keys_values(tokens)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_attention_heads": 5}, "24 is no multiple of its 5 heads"),
        ({"fusion_layer": 0}, "fusion_layer 0 must lie within the 2 layers"),
        ({"fusion_layer": 3}, "fusion_layer 3 must lie within the 2 layers"),
    ],
)
def test_sizes_that_do_not_go_together(settings, message):
    with pytest.raises(ConfigError, match=message):
        replace(SETTINGS, **settings)


def test_padding_is_masked_by_a_large_number():
    found = text_attention_mask(torch.tensor([[1, 1, 0]]), torch.float32)
    assert found.tolist() == [[[[0, 0, -10000]]]]


def test_a_text_is_no_longer_than_the_positions():
    embeddings = BertEmbeddings(SETTINGS)
    assert embeddings(torch.ones(2, 8, dtype=torch.long)).shape == (2, 8, 24)
    with pytest.raises(DataError, match="a text has 9 word pieces and the network has 8"):
        embeddings(torch.ones(2, 9, dtype=torch.long))


@torch.no_grad()
def test_the_class_token_needs_not_the_others(layer, hidden, image):
    mask = text_attention_mask(torch.ones(6, 5), torch.float32)
    whole = layer(hidden, mask, image, [None, None])
    alone = layer(hidden, mask, image, [None, None], class_token_only=True)
    torch.testing.assert_close(alone, whole[:, :, :1])


@torch.no_grad()
def test_explained_attention_is_the_same_attention(layer, hidden, image):
    mask = text_attention_mask(torch.tensor([[1] * 5, [1] * 4 + [0], [1] * 5]), torch.float32)
    explained, probabilities = layer.forward_explained(hidden[:1], mask, image)
    torch.testing.assert_close(explained, layer(hidden[:1], mask, image))
    torch.testing.assert_close(probabilities.sum(dim=-1), torch.ones(3, 4, 5))


def test_a_layer_of_text_alone_has_no_attention_to_explain(hidden):
    layer = BertLayer(SETTINGS, cross_attention=False)
    mask = text_attention_mask(torch.ones(3, 5), torch.float32)
    with pytest.raises(ConfigError, match="attends to no image"):
        layer.forward_explained(hidden[:1], mask, None)
