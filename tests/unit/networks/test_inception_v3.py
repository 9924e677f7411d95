from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face.networks import InceptionV3
from lightning_face.networks.inception_v3 import _average, _average_inside, _largest


@pytest.fixture(scope="module")
def networks() -> dict[str, InceptionV3]:
    """Both kinds with the same weights."""
    torch.manual_seed(0)
    first, second = InceptionV3("pytorch"), InceptionV3("tensorflow")
    second.load_state_dict(first.state_dict())
    return {"pytorch": first, "tensorflow": second}


@pytest.mark.parametrize("pooling", ["pytorch", "tensorflow"])
def test_gives_2048_features_for_pictures_from_75_pixels(networks, pooling):
    for size in ((75, 75), (80, 130)):
        assert networks[pooling](torch.rand(2, 3, *size)).shape == (2, InceptionV3.features)


def test_border_is_treated_in_three_ways():
    x = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    for pool, corner, centre in ((_average, 12 / 9, 5), (_average_inside, 3, 5), (_largest, 5, 9)):
        pooled = pool(x)
        assert pooled.shape == x.shape
        assert float(pooled[0, 0, 0, 0]) == pytest.approx(corner)
        assert float(pooled[0, 0, 1, 1]) == centre


def test_only_the_last_block_of_the_tensorflow_kind_takes_the_maximum(networks):
    pools = {
        kind: [
            network.get_submodule(name).pool
            for name in network.blocks
            if hasattr(network.get_submodule(name), "pool")
        ]
        for kind, network in networks.items()
    }
    assert pools["pytorch"] == [_average] * 9
    assert pools["tensorflow"] == [_average_inside] * 8 + [_largest]
    image = torch.rand(1, 3, 80, 80)
    assert not torch.allclose(networks["pytorch"](image), networks["tensorflow"](image))


def test_layout_is_that_of_the_published_file(networks):
    own = networks["tensorflow"].state_dict()
    assert sum(each.numel() for each in networks["tensorflow"].parameters()) == 21_785_568
    for name, shape in (
        ("Conv2d_1a_3x3.conv.weight", (32, 3, 3, 3)),
        ("Mixed_5b.branch5x5_2.bn.running_var", (64,)),
        ("Mixed_6b.branch7x7_2.conv.weight", (128, 128, 1, 7)),
        ("Mixed_7c.branch3x3dbl_3b.conv.weight", (384, 384, 3, 1)),
        ("Mixed_7c.branch_pool.bn.bias", (192,)),
    ):
        assert own[name].shape == shape


def test_stays_frozen_and_in_evaluation_mode(networks):
    network = networks["tensorflow"].train()
    assert not any(module.training for module in network.modules())
    assert not any(each.requires_grad for each in network.parameters())


def test_heads_are_ignored_and_counts_may_be_absent(networks):
    tensors = {
        name: tensor
        for name, tensor in networks["tensorflow"].state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    tensors |= {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    read = InceptionV3("tensorflow")
    read.load_published(tensors)
    image = torch.rand(1, 3, 80, 80)
    assert torch.equal(read(image), networks["tensorflow"](image))


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_other_weights_are_refused_by_name(networks, damage):
    tensors = dict(networks["pytorch"].state_dict())
    name = "Mixed_6c.branch7x7_2.bn.running_mean"
    if damage == "missing":
        del tensors[name]
    else:
        tensors[name] = torch.zeros(3)
    with pytest.raises(WeightsError, match=rf"other\.pth does not fit: {name}"):
        InceptionV3().load_published(tensors, "other.pth")
