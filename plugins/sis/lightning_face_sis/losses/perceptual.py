"""Likeness of pictures in the eyes of a network that recognises objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError
from lightning_face.metrics.weight_file import WeightFile
from lightning_face.networks.feature_network import FeatureNetwork, vgg19_features

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SLICE_WEIGHTS", "VGG19_WEIGHTS", "VGG19Loss", "torchvision_names"]

VGG19_WEIGHTS = WeightFile(
    "vgg19.pth", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", "vgg19-dcbb9e9d.pth"
)
SLICE_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class VGG19Loss(nn.Module):
    """Weighted mean absolute differences of VGG19's features, relu1_1 to relu5_1.

    Pictures go in as the generator makes them, in [-1, 1]: the published code leaves out the
    ImageNet normalisation, and so does this.

    The feature network is a tool and not a part of this module: it follows to other devices, but
    it has no place among parameters, in checkpoints or in exported weights.

    Args:
        network: Feature network that returns the five tapped features.
        weight: Factor on the whole loss, 10 as published.

    Source:
        Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
        equation 2; layers and weights of Wang et al., "High-Resolution Image Synthesis and Semantic
        Manipulation with Conditional GANs".
    """

    network: FeatureNetwork

    def __init__(self, network: FeatureNetwork, weight: float = 10.0) -> None:
        super().__init__()
        object.__setattr__(self, "network", network.requires_grad_(False).eval())
        self.weight = weight

    @classmethod
    def from_file(cls, path: str | Path, weight: float = 10.0) -> VGG19Loss:
        """Build the loss on published weights.

        Args:
            path: torchvision's VGG19, or a folder it lies in.
            weight: Factor on the whole loss.

        Raises:
            WeightsError: If the file is missing or holds something else; the message says where to
                get it.
            CheckpointError: If it cannot be read safely.
        """
        path = Path(path).expanduser()
        if path.is_dir():
            path = VGG19_WEIGHTS.find(path)
        if not path.is_file():
            msg = (
                f"the VGG19 weights {path} of the perceptual loss are missing: download "
                f"{VGG19_WEIGHTS.url} and save it there"
            )
            raise WeightsError(msg)
        network = vgg19_features()
        network.load_features(torchvision_names(load_tensors(path)), str(path))
        return cls(network, weight)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.network._apply(fn, recurse)
        result: Self = super()._apply(fn, recurse)
        return result

    def forward(self, images: Tensor, targets: Tensor) -> Tensor:
        """Compute the weighted loss.

        Args:
            images: Generated pictures ``(batch, 3, height, width)`` in [-1, 1].
            targets: Photographs they should equal, same shape; no gradient flows into them.

        Returns:
            A scalar.
        """
        differences = self.differences(images, targets)
        return self.weight * (differences * differences.new_tensor(SLICE_WEIGHTS)).sum()

    def differences(self, images: Tensor, targets: Tensor) -> Tensor:
        """Compute the unweighted mean absolute difference of each layer: ``(5,)``.

        Args:
            images: Generated pictures ``(batch, 3, height, width)`` in [-1, 1].
            targets: Photographs, same shape.
        """
        with torch.no_grad():
            wanted = self.network(targets)
        layers = zip(self.network(images), wanted, strict=True)
        return torch.stack([l1_loss(a.float(), b.float()) for a, b in layers])


def torchvision_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the slices that training checkpoints hold VGG19 in, ``slice2.5.weight``."""
    slices = re.compile(r"^(?:.*\.)?slice\d\.(?=\d+\.)")
    return {slices.sub("features.", name): tensor for name, tensor in tensors.items()}
