from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face_mambast.vgg import NORMALISED, TORCHVISION, VGGNormalised, load_vgg, random_vgg


def test_number_of_parameters_is_the_published_one():
    with torch.device("meta"):
        assert sum(each.numel() for each in VGGNormalised().parameters()) == 12_944_972


def test_five_maps_halve_in_size_and_pools_round_up():
    features = random_vgg(width=2)(torch.rand(1, 3, 35, 50))
    assert [tuple(each.shape) for each in features] == [
        (1, 2, 35, 50),
        (1, 4, 18, 25),
        (1, 8, 9, 13),
        (1, 16, 5, 7),
        (1, 16, 3, 4),
    ]
    assert all((each >= 0).all() for each in features)


def test_pictures_too_small_for_the_last_block_are_refused():
    vgg = random_vgg(width=2)
    assert vgg(torch.rand(1, 3, 17, 17))[-1].shape[2:] == (2, 2)
    with pytest.raises(ValueError, match="17 pixels"):
        vgg(torch.rand(1, 3, 16, 64))


def test_random_filters_are_fixed_and_keep_the_scale_of_activations():
    first, second, other = random_vgg(8), random_vgg(8), random_vgg(8, seed=1)
    images = torch.rand(2, 3, 64, 64)
    for a, b in zip(first(images), second(images), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first(images)[0], other(images)[0])
    deviations = [each.std().item() for each in first(images)]
    assert max(deviations) < 10 * min(deviations)
    assert not any(each.requires_grad for each in first.parameters())


@pytest.mark.parametrize("prefix", ["", "vgg.", "module."])
def test_loads_the_normalised_file_with_layers_it_does_not_need(tmp_path, prefix):
    expected = random_vgg(4, seed=3)
    state = {f"{prefix}{key}": value for key, value in expected.state_dict().items()}
    state[f"{prefix}51.weight"] = torch.zeros(32, 32, 3, 3)
    torch.save(state, tmp_path / "vgg_normalised.pth")
    loaded = load_vgg(tmp_path / "vgg_normalised.pth")
    images = torch.rand(1, 3, 32, 32)
    for a, b in zip(loaded(images), expected(images), strict=True):
        assert torch.equal(a, b)


def test_loads_torchvision_weights_behind_their_normalisation(tmp_path):
    source = random_vgg(4, seed=3).state_dict()
    state = {"classifier.0.weight": torch.zeros(2, 2)}
    for old, new in zip(TORCHVISION, NORMALISED, strict=True):
        for leaf in ("weight", "bias"):
            state[f"features.{old}.{leaf}"] = source[f"{new}.{leaf}"]
    torch.save(state, tmp_path / "vgg19.pth")
    vgg = load_vgg(tmp_path / "vgg19.pth")
    images = torch.rand(1, 3, 32, 32)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    torch.testing.assert_close(vgg[0](images), (images - mean) / std)
    assert torch.equal(vgg[42].weight, source["42.weight"])


def test_missing_file_says_where_to_get_it_and_where_to_put_it(tmp_path):
    path = tmp_path / "vgg_normalised.pth"
    with pytest.raises(WeightsError) as error:
        load_vgg(path)
    assert str(path) in str(error.value)
    assert "pytorch-AdaIN" in str(error.value)
    assert "model.vgg_weights" in str(error.value)


@pytest.mark.parametrize("damage", ["other keys", "other shape"])
def test_another_networks_file_is_refused_by_name(tmp_path, damage):
    path = tmp_path / "wrong.pth"
    state = random_vgg(4).state_dict()
    if damage == "other keys":
        state = {f"layer1.{key}": value for key, value in state.items()}
    else:
        state["42.weight"] = state["42.weight"][:, :5]
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"wrong\.pth is not a VGG19 file"):
        load_vgg(path)
