from __future__ import annotations

import pytest
import torch

from lightning_face_eventvit.networks.temporal_attention import TemporalAttention
from lightning_face_eventvit.networks.temporal_position import RotaryPositions


def make(dim=8, heads=2, dim_head=6):
    torch.manual_seed(0)
    attention = TemporalAttention(dim, heads, dim_head).double()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    return attention


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("widths", [(8, 2, 6), (8, 1, 8), (8, 1, 6)])
def test_output_is_the_papers(paper, widths, count):
    attention, tokens = make(*widths), torch.randn(3, count, 8, dtype=torch.float64)
    torch.testing.assert_close(attention(tokens), paper.attend_over_time(attention, tokens))


def test_only_one_head_as_wide_as_a_token_has_no_output_map():
    def has_output_map(*widths):
        return any(name.startswith("to_out.") for name in make(*widths).state_dict())

    assert not has_output_map(8, 1, 8)
    assert has_output_map(8, 1, 6)
    assert has_output_map(8, 2, 8)


def test_hidden_tokens_count_as_absent():
    attention, tokens = make(), torch.randn(2, 6, 8, dtype=torch.float64)
    visible = torch.tensor([[False, False, True, True, True, True]]).expand(2, -1)
    found = attention(tokens, visible)[:, 2:]
    torch.testing.assert_close(found, attention(tokens[:, 2:]))


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("rotates", [False, True])
def test_weights_are_those_in_use(hides, rotates):
    attention = make(8, 1, 8)
    tokens = torch.randn(2, 4, 8, dtype=torch.float64)
    visible = torch.tensor([[True, False, True, True]]).expand(2, -1) if hides else None
    positions = RotaryPositions(8, class_token=False) if rotates else None
    if positions is not None:
        torch.nn.init.ones_(positions.speed)
    weights = attention.weights(tokens, visible, positions)[:, 0]
    values = attention.to_qkv(attention.norm(tokens))[..., 16:]
    torch.testing.assert_close(weights @ values, attention(tokens, visible, positions))
