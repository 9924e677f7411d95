"""Plain networks that several systems and metrics share."""

from __future__ import annotations

from lightning_face.networks.feature_network import (
    FeatureNetwork,
    alexnet_features,
    vgg16_features,
    vgg19_features,
)
from lightning_face.networks.inception_v3 import InceptionV3

__all__ = [
    "FeatureNetwork",
    "InceptionV3",
    "alexnet_features",
    "vgg16_features",
    "vgg19_features",
]
