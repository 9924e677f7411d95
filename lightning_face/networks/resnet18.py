"""The residual network of 18 layers, without its classifier."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from lightning_face.errors import WeightsError

__all__ = ["ResNet18"]


class ResNet18(nn.Module):
    """Trunk of ResNet-18: 512 features of a picture.

    Parameters have the names that the ImageNet weights published for PyTorch use: ``conv1``,
    ``bn1``, ``layer1.0.conv1`` and so on. Convolutions start from normal values with the variance
    ``2 / fan_out``.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1.
    """

    features = 512
    """Channels of the last stage."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, stride=1)
        self.layer2 = _stage(64, 128, stride=2)
        self.layer3 = _stage(128, 256, stride=2)
        self.layer4 = _stage(256, 512, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def feature_map(self, images: Tensor) -> Tensor:
        """Compute the output of the last stage.

        Args:
            images: Pictures ``(batch, 3, height, width)`` of any size, normalised as the weights
                expect.

        Returns:
            Features ``(batch, 512, height / 32, width / 32)``, sizes rounded up.
        """
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        result: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        return result

    def forward(self, images: Tensor) -> Tensor:
        """Average the feature map: ``(batch, 3, height, width)`` to ``(batch, 512)``."""
        pooled: Tensor = self.avgpool(self.feature_map(images)).flatten(1)
        return pooled

    def load_features(self, tensors: Mapping[str, Tensor], source: str) -> None:
        """Take the trunk's own tensors out of a classifier's state dict.

        Args:
            tensors: Tensors by their published names; others, such as ``fc.weight``, are ignored.
                The counts of batches that normalisations keep may be absent.
            source: Name of the file for the error message.

        Raises:
            WeightsError: If a tensor is missing or of another shape.
        """
        own = self.state_dict()
        for name, tensor in own.items():
            if name not in tensors:
                # the oldest published files were saved before the counts existed
                if name.endswith("num_batches_tracked"):
                    continue
                raise WeightsError(f"{source} is no ResNet-18: it has no tensor {name}")
            if tensors[name].shape != tensor.shape:
                raise WeightsError(
                    f"{source} is no ResNet-18: {name} has shape {tuple(tensors[name].shape)}, "
                    f"expected {tuple(tensor.shape)}"
                )
        self.load_state_dict({name: tensors.get(name, tensor) for name, tensor in own.items()})


class _BasicBlock(nn.Module):
    """Two convolutions of 3x3 beside an identity or, where the shape changes, a projection."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            None
            if stride == 1 and in_channels == out_channels
            else nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        shortcut = features if self.downsample is None else self.downsample(features)
        features = self.relu(self.bn1(self.conv1(features)))
        result: Tensor = self.relu(self.bn2(self.conv2(features)) + shortcut)
        return result


def _stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        _BasicBlock(in_channels, out_channels, stride),
        _BasicBlock(out_channels, out_channels, 1),
    )
