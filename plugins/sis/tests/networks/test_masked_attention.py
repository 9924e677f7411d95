from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.masked_attention import (
    MaskedCrossAttention,
    PickedRows,
    SharedTokens,
)

CLASSES, GRID = 5, (4, 6)


@pytest.fixture
def attention(drawn):
    return drawn(MaskedCrossAttention(16, 10, heads=2, head_dim=8)).double()


@pytest.fixture
def inputs():
    draw = torch.Generator().manual_seed(2)
    tokens = torch.randn(2, 24, 16, generator=draw, dtype=torch.float64)
    styles = torch.randn(2, CLASSES, 10, generator=draw, dtype=torch.float64)
    labels = torch.randint(CLASSES, (2, 1, 16, 24), generator=draw)
    return tokens, styles, labels


def by_definition(attention, tokens, styles, masks):
    """One pixel, one head at a time."""
    small = F.interpolate(masks, size=GRID, mode="nearest").flatten(2)
    mixed = torch.empty_like(tokens)
    for image in range(len(tokens)):
        query, key, value = (
            to(x[image]).view(-1, 2, 8)
            for to, x in (
                (attention.to_q, tokens),
                (attention.to_k, styles),
                (attention.to_v, styles),
            )
        )
        for pixel in range(tokens.shape[1]):
            for head in range(2):
                logits = key[:, head] @ query[pixel, head] * 8**-0.5 * small[image, :, pixel]
                logits[logits == 0] = torch.finfo(torch.float32).min
                share = logits.softmax(dim=0) @ value[:, head]
                mixed[image, pixel, 8 * head : 8 * head + 8] = share
    return attention.to_out(mixed)


def attend(attention, tokens, styles, labels):
    prepared = attention.prepare(styles, LabelPyramid(labels, CLASSES), GRID)
    return attention(tokens, prepared), prepared


@torch.no_grad()
@pytest.mark.parametrize("kind", ["hard", "unknown", "empty", "soft", "soft and empty"])
def test_outcome_is_that_of_the_definition(attention, inputs, kind):
    tokens, styles, labels = inputs
    if kind == "unknown":
        labels[:, :, 4:] = 255
    masks = one_hot_masks(labels, CLASSES).double()
    if kind == "empty":
        masks = torch.zeros_like(masks)
    if "soft" in kind:
        masks = masks * 0.5 + masks.roll(1, dims=1) * 0.25
    if kind == "soft and empty":
        masks[:, :, :8] = 0
    given = labels if kind in ("hard", "unknown") else masks
    out, prepared = attend(attention, tokens, styles, given)
    assert isinstance(prepared, SharedTokens if "soft" in kind else PickedRows)
    torch.testing.assert_close(out, by_definition(attention, tokens, styles, masks))


@torch.no_grad()
@pytest.mark.parametrize("soft", [False, True])
def test_a_token_of_zeros_gives_the_mean_of_all(attention, inputs, soft):
    tokens, styles, labels = inputs
    styles[0, 2] = 0
    masks = one_hot_masks(labels, CLASSES).double() * (0.5 if soft else 1)
    out, _ = attend(attention, tokens, styles, masks)
    torch.testing.assert_close(out, by_definition(attention, tokens, styles, masks))
    mean = attention.to_out(attention.to_v(styles).mean(dim=1))
    blank = LabelPyramid(labels, CLASSES).classes(GRID)[0].flatten() == 2
    assert blank.any()
    torch.testing.assert_close(out[0, blank], mean[:1].expand(int(blank.sum()), -1))


@torch.no_grad()
def test_a_pixel_has_no_say_where_it_has_one_class(attention, inputs):
    tokens, styles, labels = inputs
    out, prepared = attend(attention, tokens, styles, labels)
    assert torch.equal(attention(torch.randn_like(tokens), prepared), out)


def test_picked_rows_have_the_gradients_of_attention(attention, inputs):
    tokens, styles, labels = inputs
    styles.requires_grad_()
    masks = one_hot_masks(labels, CLASSES).double()
    picked, _ = attend(attention, tokens, styles, masks)
    # masks that need a gradient are not made into class numbers
    whole, prepared = attend(attention, tokens, styles, masks.requires_grad_())
    assert isinstance(prepared, SharedTokens)
    torch.testing.assert_close(picked, whole)
    weights = torch.randn_like(whole)
    inputs = (styles, attention.to_v.weight, attention.to_out[0].weight)
    torch.testing.assert_close(
        torch.autograd.grad((picked * weights).sum(), inputs, retain_graph=True),
        torch.autograd.grad((whole * weights).sum(), inputs, retain_graph=True),
    )
    dead = torch.autograd.grad((whole * weights).sum(), (attention.to_q.weight,))
    assert dead[0].abs().max() == 0


@torch.no_grad()
def test_without_masks_every_pixel_sees_every_token(attention, inputs):
    tokens, styles, _ = inputs
    out = attention(tokens, attention.prepare(styles, None, GRID))
    ones = torch.ones(2, CLASSES, *GRID, dtype=torch.float64)
    torch.testing.assert_close(out, by_definition(attention, tokens, styles, ones))


@torch.no_grad()
def test_logits_do_not_know_the_masks(attention, inputs):
    tokens, styles, labels = inputs
    pyramids = (LabelPyramid(labels, CLASSES), None)
    hard, none = (
        attention.logits(tokens, attention.prepare(styles, each, GRID)) for each in pyramids
    )
    torch.testing.assert_close(hard, none)
    assert hard.shape == (2, 2, 24, CLASSES)
    query = attention.to_q(tokens)[1, 7, 8:]
    key = attention.to_k(styles)[1, 3, 8:]
    torch.testing.assert_close(hard[1, 1, 7, 3], query @ key * 8**-0.5)


@torch.no_grad()
@pytest.mark.parametrize("soft", [False, True])
def test_one_label_map_serves_several_styles(attention, inputs, soft):
    tokens, styles, labels = inputs
    masks = one_hot_masks(labels, CLASSES).double()[:1] * (0.5 if soft else 1)
    shared, _ = attend(attention, tokens, styles, masks)
    apart, _ = attend(attention, tokens, styles, masks.expand(2, -1, -1, -1))
    torch.testing.assert_close(shared, apart)


@torch.no_grad()
@pytest.mark.parametrize("soft", [False, True])
def test_half_precision_is_finite_where_nothing_is_seen(drawn, inputs, soft):
    attention = drawn(MaskedCrossAttention(16, 10, 2, 8)).bfloat16()
    tokens, styles, labels = inputs
    masks = one_hot_masks(labels, CLASSES) * (0.5 if soft else 1)
    masks[:, :, :8] = 0
    out, _ = attend(attention, tokens.bfloat16(), styles.bfloat16(), masks)
    expected, _ = attend(attention.double(), tokens, styles, masks.double())
    torch.testing.assert_close(out.double(), expected, atol=0.1, rtol=0.05)
