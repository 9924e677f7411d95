"""Content feature structural distance (CFSD)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from lightning_face.metrics.pair_distance import MeanPairDistance
from lightning_face.metrics.weight_file import WeightFile
from lightning_face.networks.feature_network import vgg19_features

__all__ = ["CFSD", "VGG19_WEIGHTS", "CFSDNetwork", "structural_distance"]

VGG19_WEIGHTS = WeightFile(
    "vgg19.pth", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", "vgg19-dcbb9e9d.pth"
)
_RELU3_1 = 11
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_ROWS = 256


class CFSDNetwork(nn.Module):
    """VGG19 up to relu3_1 with its ImageNet normalisation."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = vgg19_features([_RELU3_1])
        for name, values in (("mean", _MEAN), ("std", _STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def from_folder(cls, folder: str | Path) -> CFSDNetwork:
        """Build the network from torchvision's VGG19 weights.

        Args:
            folder: Folder with ``vgg19.pth``.

        Returns:
            The network in evaluation mode.

        Raises:
            WeightsError: If the file is missing or holds something else.
        """
        network = cls()
        network.trunk.load_features(VGG19_WEIGHTS.load(folder), str(VGG19_WEIGHTS.find(folder)))
        return network.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Compute relu3_1.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in [0, 1].

        Returns:
            Features ``(batch, 256, height / 4, width / 4)``.
        """
        features: list[Tensor] = self.trunk((images - self.mean) / self.std)
        return features[0]


def structural_distance(stylized: Tensor, content: Tensor, rows: int = _ROWS) -> Tensor:
    """Compare how similar the places of a picture are to each other, before and after.

    Every place has a distribution over all places, the softmax of its feature's inner products
    with theirs. The distance is the Kullback-Leibler divergence of the stylised picture's
    distributions from the content's, summed over places. Distributions are made a block of places
    at a time: with all at once, a picture of 512x512 needs 5 GiB.

    Args:
        stylized: Features of one stylised picture ``(channels, height, width)``.
        content: Features of its content ``(channels, height, width)``.
        rows: Places in a block.

    Returns:
        The distance, a float64 scalar.

    Raises:
        ValueError: If the shapes differ.
    """
    if stylized.shape != content.shape or stylized.dim() != 3:
        msg = (
            "expected two feature maps (channels, height, width) of one shape, got "
            f"{tuple(stylized.shape)} and {tuple(content.shape)}"
        )
        raise ValueError(msg)
    channels = stylized.shape[0]
    p, q = ((x.flatten(1) / channels).T.contiguous() for x in (stylized, content))
    total = torch.zeros((), dtype=torch.float64, device=stylized.device)
    for start in range(0, len(p), rows):
        log_p = (p[start : start + rows] @ p.T).log_softmax(dim=1)
        log_q = (q[start : start + rows] @ q.T).log_softmax(dim=1)
        difference = log_q - log_p
        total += difference.mul_(log_q.exp_()).sum(dtype=torch.float64)
    return total


class CFSD(MeanPairDistance[Tensor]):
    """Mean content feature structural distance over pairs of pictures.

    Args:
        network: Maps pictures to features ``(batch, channels, height, width)``.
        cached: How many contents to keep the features of, for use with names.
    """

    def __init__(self, network: nn.Module, cached: int = 4) -> None:
        super().__init__(cached)
        self.network = network

    def features(self, image: Tensor) -> Tensor:
        """Compute the features of a picture."""
        return self.network(image)

    def distance(self, features: Tensor, reference: Tensor) -> Tensor:
        """Compare the features of a stylised picture with those of its content."""
        return structural_distance(features[0], reference[0])
