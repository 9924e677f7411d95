from __future__ import annotations

import math

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.baselines.sequence_encoder import SequenceEncoder, sinusoids


def test_table_has_sines_on_even_and_cosines_on_odd_features():
    table = sinusoids(20, 6)
    for position in (0, 1, 19):
        for pair in range(3):
            angle = position * 10000 ** (-2 * pair / 6)
            assert table[position, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_table_is_saved():
    assert SequenceEncoder(8).state_dict()["pos_encoder.pe"].shape == (5000, 1, 8)


@torch.no_grad()
def test_order_of_the_elements_matters():
    torch.manual_seed(0)
    encoder = SequenceEncoder(8).eval()
    sequence = torch.randn(2, 5, 8)
    elements, summary = encoder(sequence)
    assert elements.shape == (2, 5, 8)
    assert summary.shape == (2, 8)
    assert not torch.allclose(encoder(sequence.flip(1))[1], summary, atol=1e-4)


@torch.no_grad()
def test_class_token_stands_at_position_0():
    torch.manual_seed(0)
    encoder = SequenceEncoder(8).eval()
    # without attention to others, every place holds a function of itself alone
    layer = encoder.transformer_encoder.layers[0]
    layer.self_attn.out_proj.weight.zero_()
    token = torch.randn(1, 1, 8)
    elements, _ = encoder(token - encoder.pos_encoder.pe[1])
    encoder.cls_tokens.copy_(token - encoder.pos_encoder.pe[0])
    _, summary = encoder(torch.zeros(1, 1, 8))
    torch.testing.assert_close(elements[:, 0], summary)


@pytest.mark.parametrize("dim", [0, 6, -4])
def test_widths_that_heads_do_not_divide_are_refused(dim):
    with pytest.raises(ConfigError, match=f"4 heads.*{dim}"):
        SequenceEncoder(dim)


def test_sequences_longer_than_the_table_are_refused():
    encoder = SequenceEncoder(4).eval()
    with pytest.raises(DataError, match="5000 is too long"):
        encoder(torch.zeros(1, 5000, 4))
