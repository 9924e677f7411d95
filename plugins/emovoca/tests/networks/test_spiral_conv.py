from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_emovoca.networks.spiral_conv import ACTIVATIONS, SpiralConv

SPIRALS = torch.tensor([[0, 1, 3], [1, 3, 2], [2, 0, 0], [3, 3, 3]])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_is_a_linear_layer_on_the_features_along_each_spiral(activation):
    conv = SpiralConv(2, 3, 4, activation)
    x = torch.randn(5, 4, 2)
    out = conv(x, SPIRALS)
    for vertex in range(3):
        around = torch.cat([x[:, neighbour] for neighbour in SPIRALS[vertex]], dim=1)
        assert torch.allclose(out[:, vertex], ACTIVATIONS[activation](conv.conv(around)), atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dummy_is_zero(activation):
    out = SpiralConv(2, 3, 4, activation)(torch.randn(5, 4, 2), SPIRALS)
    assert out.shape == (5, 4, 4)
    assert (out[:, -1] == 0).all()
    assert (out[:, :-1] != 0).any()


def test_slope_of_the_leaky_unit_is_the_published_one():
    assert ACTIVATIONS["leaky_relu"](torch.tensor([-1.0, 2.0])).tolist() == pytest.approx(
        [-0.02, 2]
    )


def test_unknown_activation_is_refused():
    with pytest.raises(ConfigError, match="activation 'gelu' is not one of elu, relu"):
        SpiralConv(2, 3, 4, "gelu")
