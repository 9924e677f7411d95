from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_face.errors import WeightsError
from lightning_face.networks import (
    FeatureNetwork,
    alexnet_features,
    vgg16_features,
    vgg19_features,
)

CLASSIFIERS = {
    # places of the convolutions in the classifiers whose weights are published
    alexnet_features: (0, 3, 6, 8, 10),
    vgg16_features: (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    vgg19_features: (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28),
}


@pytest.mark.parametrize("build", CLASSIFIERS)
def test_parameters_are_named_as_in_the_published_weights(build):
    names = {
        f"features.{place}.{kind}" for place in CLASSIFIERS[build] for kind in ("weight", "bias")
    }
    assert set(build().state_dict()) == names


@pytest.mark.parametrize(
    ("build", "shapes"),
    [
        (alexnet_features, [(64, 15), (192, 7), (384, 3), (256, 3), (256, 3)]),
        (vgg16_features, [(64, 64), (128, 32), (256, 16), (512, 8), (512, 4)]),
        (vgg19_features, [(64, 64), (128, 32), (256, 16), (512, 8), (512, 4)]),
    ],
)
def test_default_taps_give_one_map_per_stage(build, shapes):
    with torch.no_grad():
        features = build()(torch.rand(1, 3, 64, 64))
    assert [(x.shape[1], x.shape[2]) for x in features] == shapes
    assert all(x.min() >= 0 for x in features)


def test_layers_behind_the_last_tap_are_dropped():
    assert len(vgg19_features([11]).features) == 12


def test_a_tap_in_front_of_an_in_place_relu_keeps_its_values():
    network = FeatureNetwork([nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)], [0, 1])
    before, after = network(torch.randn(1, 3, 8, 8))
    assert before.min() < 0
    assert torch.equal(before.relu(), after)


@pytest.mark.parametrize("taps", [[], [3, 1], [40], [-1]])
def test_taps_have_to_ascend_within_the_trunk(taps):
    with pytest.raises(ValueError, match="taps must ascend"):
        vgg19_features(taps)


def test_loading_ignores_the_classifier_and_what_lies_behind():
    source = vgg19_features()
    tensors = {**source.state_dict(), "classifier.0.weight": torch.zeros(2)}
    network = vgg19_features([11])
    network.load_features(tensors, "vgg19.pth")
    assert torch.equal(network.features[10].weight, source.features[10].weight)


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_loading_other_weights_is_one_error_that_names_file_and_tensor(damage):
    tensors = vgg19_features([11]).state_dict()
    if damage == "missing":
        del tensors["features.5.bias"]
    else:
        tensors["features.5.bias"] = torch.zeros(3)
    with pytest.raises(WeightsError, match=r"vgg19\.pth does not fit.*features\.5\.bias"):
        vgg19_features([11]).load_features(tensors, "vgg19.pth")
