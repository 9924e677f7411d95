from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face_mambast.metrics import ArtInception
from lightning_face_mambast.metrics.art_inception import ART_INCEPTION_WEIGHTS


@pytest.fixture(scope="module")
def network() -> ArtInception:
    torch.manual_seed(0)
    return ArtInception()


def test_gives_2048_features_for_pictures_of_any_size_from_75_pixels(network):
    for size in ((75, 75), (80, 130)):
        assert network(torch.rand(2, 3, *size)).shape == (2, 2048)


def test_has_the_size_of_inception_v3_without_heads(network):
    assert sum(each.numel() for each in network.parameters()) == 21_785_568


def test_never_leaves_evaluation_mode_and_is_not_trained(network):
    network.train()
    assert not any(module.training for module in network.modules())
    assert not any(each.requires_grad for each in network.parameters())
    image = torch.rand(1, 3, 80, 80)
    assert torch.equal(network(image), network(image))


def test_published_file_is_read_and_its_heads_are_ignored(network, tmp_path):
    tensors = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    tensors |= {"fc.weight": torch.zeros(5, 2048), "AuxLogits.fc.weight": torch.zeros(5, 768)}
    torch.save(tensors, tmp_path / "art_inception.pth")
    image = torch.rand(1, 3, 80, 80)
    assert torch.equal(ArtInception.from_folder(tmp_path)(image), network(image))


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_other_weights_are_refused_by_name(network, damage):
    tensors = dict(network.state_dict())
    if damage == "missing":
        del tensors["Mixed_6c.branch7x7_2.bn.running_mean"]
    else:
        tensors["Mixed_6c.branch7x7_2.bn.running_mean"] = torch.zeros(3)
    message = r"other\.pth does not fit: Mixed_6c\.branch7x7_2\.bn\.running_mean"
    with pytest.raises(WeightsError, match=message):
        ArtInception().load_published(tensors, "other.pth")


def test_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(WeightsError) as caught:
        ArtInception.from_folder(tmp_path)
    assert ART_INCEPTION_WEIGHTS.url in str(caught.value)
    assert str(tmp_path / "art_inception.pth") in str(caught.value)
