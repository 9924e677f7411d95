from __future__ import annotations

import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_eventvit.networks.baselines.cnn_lstm import CNNLSTM, SIZES


@torch.no_grad()
def test_accepted_sizes_are_those_that_make_3x3():
    network = CNNLSTM(hidden_dim=4)
    sides = {}
    for side in (SIZES[0] - 1, SIZES[0], 360, SIZES[-1], SIZES[-1] + 1):
        maps = torch.zeros(1, 1, side, side)
        for convolution in (network.conv1, network.conv2, network.conv3, network.conv4):
            maps = network.pool(convolution(maps))
        sides[side] = maps.shape[-1]
    assert list(sides.values()) == [2, 3, 3, 3, 4]


def test_other_sizes_are_refused():
    with pytest.raises(DataError, match=r"CNNLSTM takes frames of 303 to 366 .* 224x224"):
        CNNLSTM(hidden_dim=4)(torch.zeros(1, 2, 1, 224, 224))
