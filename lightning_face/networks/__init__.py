"""Plain networks that several systems and metrics share."""

from __future__ import annotations

from lightning_face.networks.feature_network import (
    FeatureNetwork,
    alexnet_features,
    vgg16_features,
    vgg19_features,
)

__all__ = ["FeatureNetwork", "alexnet_features", "vgg16_features", "vgg19_features"]
