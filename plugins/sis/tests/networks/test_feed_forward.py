from __future__ import annotations

import math

import torch

from lightning_face_sis.networks.feed_forward import GEGLU


def test_the_second_half_gates_the_first_by_the_error_function():
    layer = GEGLU(2)
    tokens = torch.randn(3, 2)
    hidden = layer.expand(tokens)
    value, gate = hidden[:, :8], hidden[:, 8:]
    wanted = layer.contract(value * gate * (1 + torch.erf(gate / math.sqrt(2))) / 2)
    torch.testing.assert_close(layer(tokens), wanted)
