from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face.networks.resnet18 import ResNet18


@pytest.fixture(scope="module")
def network() -> ResNet18:
    torch.manual_seed(0)
    return ResNet18().eval()


def test_parameters_are_those_of_the_published_trunk(network):
    keys = network.state_dict()
    assert sum(each.numel() for each in network.parameters()) == 11_689_512 - 513_000
    assert len(keys) == 120
    shapes = {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.1.conv2.weight": (64, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer4.0.downsample.1.running_var": (512,),
        "layer4.1.bn2.num_batches_tracked": (),
    }
    assert {key: tuple(keys[key].shape) for key in shapes} == shapes
    assert not any(key.startswith("layer1.0.downsample") for key in keys)


@pytest.mark.parametrize(("height", "width", "grid"), [(64, 96, (2, 3)), (65, 33, (3, 2))])
@torch.no_grad()
def test_feature_map_is_a_32nd_of_the_picture(network, height, width, grid):
    images = torch.rand(2, 3, height, width)
    maps = network.feature_map(images)
    assert maps.shape == (2, 512, *grid)
    torch.testing.assert_close(network(images), maps.mean((2, 3)))


@torch.no_grad()
def test_a_zeroed_block_passes_its_input_on(network):
    block = network.layer1[1]
    block.bn2.weight.zero_()
    features = torch.rand(1, 64, 5, 5)
    torch.testing.assert_close(block(features), features)
    block.bn2.weight.fill_(1)


def test_loads_the_trunk_of_a_classifier():
    torch.manual_seed(1)
    other = ResNet18()
    tensors = {**other.state_dict(), "fc.weight": torch.zeros(1000, 512)}
    network = ResNet18()
    network.load_features(tensors, "resnet18.pth")
    for key, value in other.state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key


def test_counts_of_batches_may_be_absent():
    tensors = {
        key: each for key, each in ResNet18().state_dict().items() if "num_batches" not in key
    }
    network = ResNet18()
    network.load_features(tensors, "old.pth")
    assert torch.equal(network.conv1.weight, tensors["conv1.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer3.0.conv1.weight": None}, "mine.pth is no ResNet-18: .*no tensor layer3.0.conv1"),
        ({"bn1.bias": torch.zeros(3)}, r"bn1.bias has shape \(3,\), expected \(64,\)"),
    ],
)
def test_other_files_are_refused(network, change, message):
    tensors = {**network.state_dict(), **change}
    kept = {key: each for key, each in tensors.items() if each is not None}
    with pytest.raises(WeightsError, match=message):
        ResNet18().load_features(kept, "mine.pth")
