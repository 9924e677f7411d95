"""Convolutional trunks of image classifiers, cut where their features are read.

Layers keep the places, and so the parameter names ``features.N.weight``, that the ImageNet weights
published for PyTorch use; the classifier heads of such files are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from torch import Tensor, nn

from lightning_face.errors import WeightsError

__all__ = ["FeatureNetwork", "alexnet_features", "vgg16_features", "vgg19_features"]

_VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_VGG19 = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)


class FeatureNetwork(nn.Module):
    """Sequence of layers that returns the outputs of some of them.

    Args:
        layers: Layers of the trunk; those behind the last tap are dropped.
        taps: Places of the layers whose output is returned, ascending.

    Raises:
        ValueError: If ``taps`` is empty, not ascending or out of range.
    """

    def __init__(self, layers: Sequence[nn.Module], taps: Sequence[int]) -> None:
        super().__init__()
        ascending = all(first < second for first, second in pairwise(taps))
        if not taps or not ascending or not 0 <= taps[0] <= taps[-1] < len(layers):
            msg = f"taps must ascend within 0..{len(layers) - 1}, got {list(taps)}"
            raise ValueError(msg)
        self.features = nn.Sequential(*layers[: taps[-1] + 1])
        self.taps = tuple(taps)
        for index in self.taps[:-1]:
            following = self.features[index + 1]
            # An in-place layer would overwrite the features that are returned.
            if isinstance(following, nn.ReLU):
                following.inplace = False

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the tapped features.

        Args:
            images: Pictures ``(batch, 3, height, width)``, normalised as the weights expect.

        Returns:
            One tensor ``(batch, channels, height, width)`` for each tap.
        """
        tapped = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in self.taps:
                tapped.append(images)
        return tapped

    def load_features(self, tensors: Mapping[str, Tensor], source: str) -> None:
        """Take the trunk's own tensors out of a classifier's state dict.

        Args:
            tensors: Tensors named ``features.N.weight`` and ``features.N.bias``; others are
                ignored.
            source: Name of the file for the error message.

        Raises:
            WeightsError: If a tensor is missing or of another shape.
        """
        own = self.state_dict()
        missing = [name for name in own if name not in tensors]
        if missing:
            msg = f"{source} does not fit: {len(missing)} tensors are missing, first {missing[0]}"
            raise WeightsError(msg)
        for name, tensor in own.items():
            if tensors[name].shape != tensor.shape:
                msg = (
                    f"{source} does not fit: {name} has shape {tuple(tensors[name].shape)}, "
                    f"expected {tuple(tensor.shape)}"
                )
                raise WeightsError(msg)
        self.load_state_dict({name: tensors[name] for name in own})


def alexnet_features(taps: Sequence[int] = (1, 4, 7, 9, 11)) -> FeatureNetwork:
    """Build the trunk of AlexNet, by default read after each of its five ReLUs.

    Args:
        taps: Places of the layers whose output is returned.

    Returns:
        The trunk, with random weights.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
    ]
    return FeatureNetwork(layers, taps)


def vgg16_features(taps: Sequence[int] = (3, 8, 15, 22, 29)) -> FeatureNetwork:
    """Build the trunk of VGG16, by default read after the last ReLU of each of its five blocks.

    Args:
        taps: Places of the layers whose output is returned.

    Returns:
        The trunk, with random weights.
    """
    return FeatureNetwork(_vgg_layers(_VGG16), taps)


def vgg19_features(taps: Sequence[int] = (1, 6, 11, 20, 29)) -> FeatureNetwork:
    """Build the trunk of VGG19, by default read after the first ReLU of each of its five blocks.

    Args:
        taps: Places of the layers whose output is returned.

    Returns:
        The trunk, with random weights.
    """
    return FeatureNetwork(_vgg_layers(_VGG19), taps)


def _vgg_layers(blocks: Sequence[Sequence[int]]) -> list[nn.Module]:
    """Convolutions with a ReLU each, and a pooling after every block."""
    layers: list[nn.Module] = []
    channels = 3
    for block in blocks:
        for width in block:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, stride=2))
    return layers
