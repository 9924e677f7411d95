from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.networks.pixelwise import PixelwiseConv2d, PixelwiseLinear


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_layer_is_linear_in_value_and_gradient(batch, bias):
    layer = PixelwiseLinear(12, 20, bias=bias)
    tokens = torch.randn(batch, 35, 12, requires_grad=True)
    inputs = (tokens, *layer.parameters())
    out, expected = layer(tokens), F.linear(tokens, layer.weight, layer.bias)
    torch.testing.assert_close(out, expected)
    weights = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((out * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_is_that_of_the_library(layout):
    layer = PixelwiseConv2d(12, 20)
    features = torch.randn(2, 12, 5, 7).contiguous(memory_format=layout).requires_grad_()
    inputs = (features, *layer.parameters())
    out, expected = layer(features), F.conv2d(features, layer.weight, layer.bias)
    torch.testing.assert_close(out, expected)
    weights = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((out * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions_keep_to_the_library(dtype):
    layer, tokens = PixelwiseLinear(8, 4).to(dtype), torch.randn(1, 6, 8, dtype=dtype)
    assert torch.equal(layer(tokens), F.linear(tokens, layer.weight, layer.bias))


def test_autocast_decides_the_precision():
    layer = PixelwiseLinear(8, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(1, 6, 8)).dtype == torch.bfloat16
