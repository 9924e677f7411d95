from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from lightning_face.errors import CheckpointError, WeightsError
from lightning_face.networks import FeatureNetwork, vgg19_features
from lightning_face_sis.losses import VGG19Loss
from lightning_face_sis.losses.perceptual import SLICE_WEIGHTS, VGG19_WEIGHTS

# last layer of each of the slices that training checkpoints hold
SLICE_ENDS = (1, 6, 11, 20, 29)


@pytest.fixture(scope="module")
def vgg() -> FeatureNetwork:
    torch.manual_seed(0)
    return vgg19_features()


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, 2, 3, 32, 32, generator=generator) * 2 - 1)


def small() -> FeatureNetwork:
    """Five linear layers that are each read."""
    torch.manual_seed(0)
    return FeatureNetwork([nn.Conv2d(3, 3, 1) for _ in range(5)], range(5))


def test_weighs_deep_layers_most(pictures):
    loss = VGG19Loss(small(), weight=1.0)
    differences = loss.differences(*pictures)
    features = [loss.network(each) for each in pictures]
    expected = [(a - b).abs().mean() for a, b in zip(*features, strict=True)]
    assert torch.allclose(differences, torch.stack(expected))
    assert SLICE_WEIGHTS == (0.03125, 0.0625, 0.125, 0.25, 1.0)
    total = sum(w * d for w, d in zip(SLICE_WEIGHTS, expected, strict=True))
    assert torch.allclose(loss(*pictures), total)
    assert torch.allclose(VGG19Loss(small())(*pictures), 10 * total)


def test_pictures_reach_the_network_without_normalisation(pictures):
    seen = []
    loss = VGG19Loss(small())
    loss.network.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    loss(*pictures)
    assert torch.equal(seen[0], pictures[1])
    assert torch.equal(seen[1], pictures[0])


def test_only_the_generated_picture_gets_a_gradient(pictures):
    images, targets = (each.requires_grad_() for each in pictures)
    loss = VGG19Loss(small())
    loss(images, targets).backward()
    assert float(images.grad.abs().sum()) > 0
    assert targets.grad is None
    assert all(each.grad is None for each in loss.network.parameters())


def test_the_network_follows_but_is_no_part_of_a_model(vgg):
    loss = VGG19Loss(vgg)
    assert list(loss.parameters()) == list(loss.state_dict()) == []
    holder = nn.ModuleList([loss]).to(torch.bfloat16)
    assert next(vgg.parameters()).dtype == torch.bfloat16
    assert not list(holder.state_dict())
    holder.to(torch.float32)


@pytest.mark.parametrize("prefix", ["", "vgg.", "ema_model.criterionVGG.vgg."])
def test_slices_of_a_training_checkpoint_are_understood(vgg, pictures, tmp_path, prefix):
    tensors = {}
    for name, tensor in vgg.state_dict().items():
        _, place, kind = name.split(".")
        number = 1 + sum(int(place) > end for end in SLICE_ENDS)
        tensors[f"{prefix}slice{number}.{place}.{kind}"] = tensor
    torch.save(tensors, tmp_path / "slices.pth")
    read = VGG19Loss.from_file(tmp_path / "slices.pth")
    assert torch.equal(read(*pictures), VGG19Loss(vgg)(*pictures))


@pytest.mark.parametrize("name", ["vgg19.pth", "vgg19-dcbb9e9d.pth"])
def test_published_file_is_read_from_its_folder_too(vgg, pictures, tmp_path, name):
    heads = {"classifier.0.weight": torch.zeros(2, 2)}
    torch.save({**vgg.state_dict(), **heads}, tmp_path / name)
    for path in (tmp_path, str(tmp_path / name)):
        assert torch.equal(VGG19Loss.from_file(path)(*pictures), VGG19Loss(vgg)(*pictures))


@pytest.mark.parametrize("path", ["", "nowhere/vgg19.pth"])
def test_missing_file_says_where_to_get_it(tmp_path, path):
    with pytest.raises(WeightsError, match=r"vgg19\.pth") as caught:
        VGG19Loss.from_file(tmp_path / path)
    assert VGG19_WEIGHTS.url in str(caught.value)


def test_other_networks_and_unsafe_files_are_refused(tmp_path):
    torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, tmp_path / "alexnet.pth")
    with pytest.raises(WeightsError, match=r"alexnet\.pth does not fit"):
        VGG19Loss.from_file(tmp_path / "alexnet.pth")
    (tmp_path / "code.pth").write_bytes(pickle.dumps(print))
    with pytest.raises(CheckpointError, match=r"code\.pth"):
        VGG19Loss.from_file(tmp_path / "code.pth")
