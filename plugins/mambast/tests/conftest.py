"""Small networks and pictures that the tests share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_face_mambast.mambast import MambaST


@pytest.fixture
def network() -> MambaST:
    """Network of 16 channels with two blocks in each stack, in evaluation mode.

    The start values are those that let a signal through: the published ones make nearly constant
    pictures, whatever goes in.
    """
    torch.manual_seed(0)
    return MambaST(16, d_state=3, num_encoder_layers=2, num_decoder_layers=2, init="s4d").eval()


@pytest.fixture
def content() -> Tensor:
    return torch.rand(2, 3, 24, 40, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def style() -> Tensor:
    return torch.rand(2, 3, 24, 40, generator=torch.Generator().manual_seed(2))
