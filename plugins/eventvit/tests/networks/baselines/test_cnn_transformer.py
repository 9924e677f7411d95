from __future__ import annotations

import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_eventvit.networks.baselines import CNNLSTM, CNNTransformer
from lightning_face_eventvit.networks.baselines.cnn_transformer import SIZES


@pytest.fixture
def network() -> CNNTransformer:
    torch.manual_seed(0)
    return CNNTransformer(num_classes=3, hidden_dim=8).eval()


def maps_side(network: CNNTransformer | CNNLSTM, side: int) -> int:
    maps = torch.zeros(1, 1, side, side)
    for convolution in (network.conv1, network.conv2, network.conv3, network.conv4):
        maps = network.pool(convolution(maps))
    return maps.shape[-1]


@torch.no_grad()
def test_accepted_sizes_are_those_that_make_11x11(network):
    assert 224 in SIZES
    inside = {maps_side(network, side) for side in (SIZES[0], 224, SIZES[-1])}
    outside = {maps_side(network, side) for side in (SIZES[0] - 1, SIZES[-1] + 1)}
    assert inside == {11}
    assert 11 not in outside


@torch.no_grad()
def test_sides_may_differ(network):
    assert network(torch.zeros(2, 1, 1, SIZES[0], SIZES[-1])).shape == (2, 3)


@pytest.mark.parametrize("size", [(48, 224), (224, 48), (360, 360), (1, 1)])
def test_other_sizes_are_refused(network, size):
    with pytest.raises(DataError, match=rf"212 to 227 .*{size[0]}x{size[1]}"):
        network(torch.zeros(1, 2, 1, *size))


@torch.no_grad()
def test_number_of_frames_is_free(network):
    clip = torch.rand(1, 3, 1, 224, 224)
    lengths = [network(clip[:, :length]) for length in (1, 2, 3)]
    assert not torch.allclose(lengths[0], lengths[2])
