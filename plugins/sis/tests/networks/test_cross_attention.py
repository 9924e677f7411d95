from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.networks.cross_attention import ClassCrossAttention, attention_loss


@pytest.fixture
def attention(drawn):
    return drawn(ClassCrossAttention(12, 20, heads=3, head_dim=4))


def by_heads(attention, tokens, context):
    """Logits of each head and mixed tokens, head by head."""
    query, key, value = attention.to_q(tokens), attention.to_k(context), attention.to_v(context)
    logits, mixed = [], []
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        logits.append(query[..., part] @ key[..., part].transpose(1, 2) / 2)
        mixed.append(logits[-1].softmax(dim=-1) @ value[..., part])
    return torch.stack(logits), attention.to_out(torch.cat(mixed, dim=-1))


def test_every_head_attends_on_its_own(attention):
    tokens, context = torch.randn(2, 7, 12), torch.randn(2, 5, 20)
    logits, wanted = by_heads(attention, tokens, context)
    torch.testing.assert_close(attention(tokens, context), wanted)
    out, mean = attention.forward_with_logits(tokens, context)
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(mean, logits.mean(dim=0))
    weights = attention.weights(tokens, context)
    torch.testing.assert_close(weights, logits.softmax(dim=-1).mean(dim=0))


def test_tokens_look_at_themselves_without_context(drawn):
    attention = drawn(ClassCrossAttention(12, None, heads=2, head_dim=6))
    tokens = torch.randn(2, 7, 12)
    torch.testing.assert_close(attention(tokens), attention(tokens, tokens))


def test_attention_loss_is_the_cross_entropy_with_the_small_mask():
    logits, masks = torch.randn(2, 6, 3), (torch.rand(2, 3, 8, 9) > 0.5).float()
    small = masks[:, :, ::4, ::3]
    wanted = [
        F.binary_cross_entropy_with_logits(logits[..., number].view(2, 2, 3), small[:, number])
        for number in range(3)
    ]
    loss = attention_loss(logits, masks, (2, 3))
    torch.testing.assert_close(loss, torch.stack(wanted).mean())


def test_attention_loss_is_that_of_the_classes_alone():
    logits, masks = torch.randn(1, 4, 3), torch.ones(1, 2, 2, 2)
    loss = attention_loss(logits, masks, (2, 2))
    torch.testing.assert_close(loss, attention_loss(logits[..., :2], masks, (2, 2)))


def test_attention_that_knows_nothing_costs_ln_2():
    loss = attention_loss(torch.zeros(1, 16, 5), torch.rand(1, 5, 8, 8).round(), (4, 4))
    assert loss.item() == pytest.approx(math.log(2))
