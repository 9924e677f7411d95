"""The residual networks for face recognition of InsightFace."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["IRESNET_UNITS", "IResNet"]

IRESNET_UNITS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
}
"""Residual blocks of the four stages by the number of layers."""


class IResNet(nn.Module):
    """Residual network that maps aligned faces to embeddings, not normalised.

    Parameters have the names of the published ``backbone.pth``.

    Args:
        units: Residual blocks of the four stages, of 64, 128, 256 and 512 channels, see
            `IRESNET_UNITS`.
        embedding_dim: Length of an embedding.

    Source:
        Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
        section 3.1.
    """

    input_size = 112
    """Height and width of a face in pixels."""

    def __init__(self, units: Sequence[int] = IRESNET_UNITS[50], embedding_dim: int = 512) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        self.layer1 = _stage(64, 64, units[0])
        self.layer2 = _stage(64, 128, units[1])
        self.layer3 = _stage(128, 256, units[2])
        self.layer4 = _stage(256, 512, units[3])
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * (self.input_size // 16) ** 2, embedding_dim)
        self.features = nn.BatchNorm1d(embedding_dim)

    def forward(self, faces: Tensor) -> Tensor:
        """Compute embeddings.

        Args:
            faces: Aligned faces ``(batch, 3, 112, 112)`` in [-1, 1].

        Returns:
            Embeddings ``(batch, embedding_dim)`` of any length.
        """
        features = self.prelu(self.bn1(self.conv1(faces)))
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        result: Tensor = self.features(self.fc(self.bn2(features).flatten(1)))
        return result


class _Block(nn.Module):
    """Two convolutions between normalisations, beside an identity or a projection."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.prelu = nn.PReLU(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = (
            None
            if stride == 1
            else nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        shortcut = features if self.downsample is None else self.downsample(features)
        features = self.prelu(self.bn2(self.conv1(self.bn1(features))))
        result: Tensor = self.bn3(self.conv2(features)) + shortcut
        return result


def _stage(in_channels: int, out_channels: int, units: int) -> nn.Sequential:
    """Blocks of one width, the first of which halves the size."""
    first = _Block(in_channels, out_channels, stride=2)
    rest = (_Block(out_channels, out_channels, stride=1) for _ in range(units - 1))
    return nn.Sequential(first, *rest)
