from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_scantalk.networks.add_product import add_product


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_adds_in_place_in_its_own_type(dtype):
    values, signal, weight = torch.randn(5, 2, 3), torch.randn(5, 2, 4), torch.randn(3, 4)
    expected = values + F.linear(signal, weight)
    started = values.to(dtype)
    result = add_product(started, signal, weight)
    assert result is started
    tolerance = 1e-5 if dtype == torch.float32 else 0.1
    torch.testing.assert_close(result.float(), expected, atol=tolerance, rtol=tolerance)
