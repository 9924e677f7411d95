from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.networks.res_block import SISResBlock


@pytest.mark.parametrize("upsample", [False, True])
@pytest.mark.parametrize("out_channels", [32, 64])
@torch.no_grad()
def test_a_new_block_is_its_skip_connection(out_channels, upsample):
    block, features = SISResBlock(64, out_channels, upsample), torch.randn(2, 64, 6, 10)
    wanted = F.interpolate(features, scale_factor=2, mode="nearest") if upsample else features
    torch.testing.assert_close(block(features), block.skip(wanted))


def test_gradient_reaches_all_weights(drawn):
    block = drawn(SISResBlock(64, 32, upsample=True))
    block(torch.randn(1, 64, 4, 4)).square().sum().backward()
    assert all(each.grad.abs().sum() > 0 for each in block.parameters())
