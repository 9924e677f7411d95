"""Deep image structure and texture similarity (DISTS)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.errors import WeightsError
from lightning_face.metrics.lpips import LPIPS_WEIGHTS
from lightning_face.metrics.pair_distance import MeanPairDistance
from lightning_face.metrics.weight_file import WeightFile
from lightning_face.networks.feature_network import vgg16_features

__all__ = ["DISTS", "DISTS_WEIGHTS", "DISTSNetwork"]

# the classifier it is cut from, and the learned channel weights
DISTS_WEIGHTS: tuple[WeightFile, WeightFile] = (
    LPIPS_WEIGHTS["vgg"][0],
    WeightFile(
        "dists.pt",
        "https://github.com/dingkeyan93/DISTS/raw/master/DISTS_pytorch/weights.pt",
        "weights.pt",
    ),
)
_CHANNELS = (3, 64, 128, 256, 512, 512)
_POOLINGS = (4, 9, 16, 23)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_EPS = 1e-6


class HannPool(nn.Module):
    """Root of the mean square under a Hann window of 3x3, at every second pixel."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        row = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", torch.outer(row, row), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, channels, height, width)`` to half the size, rounded up."""
        channels = x.shape[1]
        window = self.window.to(x.dtype).expand(channels, 1, 3, 3)
        mean = functional.conv2d(x.square(), window, stride=2, padding=1, groups=channels)
        return (mean + 1e-12).sqrt()


class DISTSNetwork(nn.Module):
    """Distance of pictures that forgives another sample of the same texture.

    The features are the picture itself and those of VGG16 after each of its five blocks, whose
    poolings are smooth here. Of each channel the means are compared and the correlation.

    Source:
        Ding et al., "Image Quality Assessment: Unifying Structure and Texture Similarity",
        equations 3 to 7.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = vgg16_features()
        for place in _POOLINGS:
            self.trunk.features[place] = HannPool()
        self.texture_weights = nn.Parameter(torch.ones(sum(_CHANNELS)))
        self.structure_weights = nn.Parameter(torch.ones(sum(_CHANNELS)))
        for name, values in (("mean", _MEAN), ("std", _STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def from_folder(cls, folder: str | Path) -> DISTSNetwork:
        """Build the network from the two published files in a folder.

        Args:
            folder: Folder with the classifier and the channel weights, see `DISTS_WEIGHTS`.

        Returns:
            The network in evaluation mode.

        Raises:
            WeightsError: If a file is missing or does not fit.
        """
        network = cls()
        classifier, channels = DISTS_WEIGHTS
        tensors = {**classifier.load(folder), **channels.load(folder)}
        network.load_published(tensors, f"{classifier.find(folder)} with {channels.find(folder)}")
        return network.eval()

    def load_published(self, tensors: Mapping[str, Tensor], source: str = "DISTS weights") -> None:
        """Take weights under their published names.

        Args:
            tensors: ``features.N.*`` of the classifier, and ``alpha`` and ``beta`` with a value
                for each of 1475 channels; others are ignored.
            source: Name of the file for the error message.

        Raises:
            WeightsError: If a tensor is missing or of another shape.
        """
        self.trunk.load_features(tensors, source)
        for name, own in (("alpha", self.texture_weights), ("beta", self.structure_weights)):
            if name not in tensors or tensors[name].numel() != own.numel():
                msg = f"{source} does not fit: {name} with {own.numel()} values is missing"
                raise WeightsError(msg)
            own.data.copy_(tensors[name].flatten())

    def features(self, images: Tensor) -> list[Tensor]:
        """Return the picture and its features.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in [0, 1].

        Returns:
            Six tensors ``(batch, channels, height, width)``.
        """
        return [images, *self.trunk((images - self.mean) / self.std)]

    def distance(self, features_a: list[Tensor], features_b: list[Tensor]) -> Tensor:
        """Compare the features of two batches.

        Args:
            features_a: Features of the first pictures.
            features_b: Features of the second pictures.

        Returns:
            Distances ``(batch,)``, 0 for equal pictures.
        """
        texture, structure = [], []
        for a, b in zip(features_a, features_b, strict=True):
            variance_a, mean_a = torch.var_mean(a, dim=(2, 3), correction=0)
            variance_b, mean_b = torch.var_mean(b, dim=(2, 3), correction=0)
            covariance = (a * b).mean(dim=(2, 3)) - mean_a * mean_b
            means = mean_a.square() + mean_b.square()
            texture.append((2 * mean_a * mean_b + _EPS) / (means + _EPS))
            structure.append((2 * covariance + _EPS) / (variance_a + variance_b + _EPS))
        weighted = torch.cat(texture, dim=1) @ self.texture_weights
        weighted = weighted + torch.cat(structure, dim=1) @ self.structure_weights
        return 1 - weighted / (self.texture_weights.sum() + self.structure_weights.sum())

    def forward(self, images_a: Tensor, images_b: Tensor) -> Tensor:
        """Compare two batches of pictures.

        Args:
            images_a: First pictures ``(batch, 3, height, width)`` in [0, 1].
            images_b: Second pictures, same shape.

        Returns:
            Distances ``(batch,)``.
        """
        return self.distance(self.features(images_a), self.features(images_b))


class DISTS(MeanPairDistance[list[Tensor]]):
    """Mean distance in structure and texture over pairs of pictures.

    Args:
        network: The distance of a pair.
        cached: How many references to keep the features of, for use with names.
    """

    def __init__(self, network: DISTSNetwork, cached: int = 4) -> None:
        super().__init__(cached)
        self.network = network

    def features(self, image: Tensor) -> list[Tensor]:
        """Compute the features of a picture."""
        return self.network.features(image)

    def distance(self, features: list[Tensor], reference: list[Tensor]) -> Tensor:
        """Compare the features of two pictures."""
        return self.network.distance(features, reference)
