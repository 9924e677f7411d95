"""Learned perceptual image patch similarity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from lightning_face.errors import WeightsError
from lightning_face.metrics.pair_distance import MeanPairDistance
from lightning_face.metrics.weight_file import WeightFile
from lightning_face.networks.feature_network import FeatureNetwork, alexnet_features, vgg16_features

__all__ = ["LPIPS", "LPIPS_WEIGHTS", "LPIPSNetwork", "Trunk", "to_gray"]

Trunk = Literal["alex", "vgg"]

_LINEAR = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1"
_TRUNKS = "https://download.pytorch.org/models"

# For each trunk: the classifier it is cut from, and the learned channel weights.
LPIPS_WEIGHTS: dict[Trunk, tuple[WeightFile, WeightFile]] = {
    "alex": (
        WeightFile(
            "alexnet.pth", f"{_TRUNKS}/alexnet-owt-7be5be79.pth", "alexnet-owt-7be5be79.pth"
        ),
        WeightFile("lpips_alex.pth", f"{_LINEAR}/alex.pth", "alex.pth"),
    ),
    "vgg": (
        WeightFile("vgg16.pth", f"{_TRUNKS}/vgg16-397923af.pth", "vgg16-397923af.pth"),
        WeightFile("lpips_vgg.pth", f"{_LINEAR}/vgg.pth", "vgg.pth"),
    ),
}
_CHANNELS: dict[Trunk, tuple[int, ...]] = {
    "alex": (64, 192, 384, 256, 256),
    "vgg": (64, 128, 256, 512, 512),
}
# ITU-R 601 luma in units of 2^-16, the integers of Pillow's conversion to grey.
_LUMA = (19595, 38470, 7471)


class LPIPSNetwork(nn.Module):
    """Perceptual distance of version 0.1: weighted squared differences of unit-length features.

    Args:
        trunk: ``"alex"`` (AlexNet) or ``"vgg"`` (VGG16).

    Source:
        Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
        equation 1.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, trunk: Trunk = "alex") -> None:
        super().__init__()
        if trunk not in _CHANNELS:
            msg = f"the trunk of LPIPS is 'alex' or 'vgg', not {trunk!r}"
            raise ValueError(msg)
        self.kind: Trunk = trunk
        self.trunk: FeatureNetwork = alexnet_features() if trunk == "alex" else vgg16_features()
        self.channel_weights = nn.ParameterList(
            [nn.Parameter(torch.ones(channels)) for channels in _CHANNELS[trunk]]
        )
        # ImageNet statistics of pictures in [-1, 1], rounded as in the published network.
        for name, values in (("shift", (-0.030, -0.088, -0.188)), ("scale", (0.458, 0.448, 0.450))):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def from_folder(cls, folder: str | Path, trunk: Trunk = "alex") -> LPIPSNetwork:
        """Build the network from the two published files in a folder.

        Args:
            folder: Folder with the classifier and the channel weights, see `LPIPS_WEIGHTS`.
            trunk: ``"alex"`` or ``"vgg"``.

        Returns:
            The network in evaluation mode.

        Raises:
            WeightsError: If a file is missing or does not fit.
        """
        network = cls(trunk)
        classifier, linear = LPIPS_WEIGHTS[trunk]
        tensors = {**classifier.load(folder), **linear.load(folder)}
        network.load_published(tensors, f"{classifier.find(folder)} with {linear.find(folder)}")
        return network.eval()

    def load_published(self, tensors: Mapping[str, Tensor], source: str = "LPIPS weights") -> None:
        """Take weights under their published names.

        Args:
            tensors: ``features.N.*`` of the classifier, or ``net.sliceK.N.*`` of the whole
                published network, and ``linK.model.1.weight``; others are ignored.
            source: Name of the file for the error message.

        Raises:
            WeightsError: If a tensor is missing or of another shape.
        """
        trunk = {}
        for name, tensor in tensors.items():
            parts = name.split(".")
            if parts[0] == "net" and parts[1].startswith("slice"):
                name = ".".join(["features", *parts[2:]])
            trunk[name] = tensor
        self.trunk.load_features(trunk, source)
        for index, weights in enumerate(self.channel_weights):
            name = f"lin{index}.model.1.weight"
            if name not in tensors or tensors[name].numel() != weights.numel():
                msg = f"{source} does not fit: {name} with {weights.numel()} values is missing"
                raise WeightsError(msg)
            weights.data.copy_(tensors[name].flatten())

    def features(self, images: Tensor) -> list[Tensor]:
        """Return the unit-length features of every layer.

        Args:
            images: Pictures ``(batch, 3 or 1, height, width)`` in [0, 1]; a single channel is
                taken for all three.

        Returns:
            Five tensors ``(batch, channels, height, width)``.
        """
        normalised = (2 * images - 1 - self.shift) / self.scale
        return [
            layer / (layer.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
            for layer in self.trunk(normalised)
        ]

    def distance(self, features_a: list[Tensor], features_b: list[Tensor]) -> Tensor:
        """Compare the features of two batches.

        Args:
            features_a: Features of the first pictures.
            features_b: Features of the second pictures.

        Returns:
            Distances ``(batch,)``, 0 for equal pictures.
        """
        total = features_a[0].new_zeros(len(features_a[0]))
        for weights, a, b in zip(self.channel_weights, features_a, features_b, strict=True):
            total += torch.einsum("bchw,c->bhw", (a - b).square(), weights).mean(dim=(1, 2))
        return total

    def forward(self, images_a: Tensor, images_b: Tensor) -> Tensor:
        """Compare two batches of pictures.

        Args:
            images_a: First pictures ``(batch, 3 or 1, height, width)`` in [0, 1].
            images_b: Second pictures, same shape.

        Returns:
            Distances ``(batch,)``.
        """
        return self.distance(self.features(images_a), self.features(images_b))


class LPIPS(MeanPairDistance[list[Tensor]]):
    """Mean perceptual distance over pairs of pictures.

    Args:
        network: The distance of a pair.
        gray: Compare the pictures without their colours.
        cached: How many references to keep the features of, for use with names.
    """

    def __init__(self, network: LPIPSNetwork, gray: bool = False, cached: int = 4) -> None:
        super().__init__(cached)
        self.network = network
        self.gray = gray

    def features(self, image: Tensor) -> list[Tensor]:
        """Compute the features of a picture, made grey first if asked for."""
        return self.network.features(to_gray(image) if self.gray else image)

    def distance(self, features: list[Tensor], reference: list[Tensor]) -> Tensor:
        """Compare the features of two pictures."""
        return self.network.distance(features, reference)


def to_gray(images: Tensor) -> Tensor:
    """Turn colour pictures into 8-bit grey ones, exactly as Pillow's mode ``L``.

    Args:
        images: Pictures ``(batch, 3 or 1, height, width)`` in [0, 1].

    Returns:
        Pictures ``(batch, 1, height, width)``; those of one channel unchanged.
    """
    if images.shape[1] == 1:
        return images
    levels = (images * 255 + 0.5).clamp(0, 255).to(torch.int64)
    weights = torch.tensor(_LUMA, device=images.device).view(1, 3, 1, 1)
    luma = (levels * weights).sum(dim=1, keepdim=True)
    return ((luma + 0x8000) >> 16).to(images) / 255
