"""Improved residual networks for face recognition, with and without squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["IR50", "IRSE50", "IRNetwork"]

_WIDTHS = (64, 128, 256, 512)


class IRNetwork(nn.Module):
    """Residual network that maps aligned faces to embeddings of unit length.

    Parameters have the names of ``model_ir_se50.pth``: ``input_layer``, ``body`` and
    ``output_layer``.

    Args:
        units: Residual units of the four stages, of 64, 128, 256 and 512 channels.
        squeeze_excitation: Whether each unit scales its channels by their averages.
        embedding_dim: Length of an embedding.

    Source:
        Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", section
        3.1 (improved residual unit); Hu et al., "Squeeze-and-Excitation Networks", section 3.
    """

    input_size = 112
    """Height and width of a face in pixels."""

    def __init__(
        self,
        units: Sequence[int] = (3, 4, 14, 3),
        squeeze_excitation: bool = True,
        embedding_dim: int = 512,
    ) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        )
        body: list[nn.Module] = []
        channels = 64
        for width, count in zip(_WIDTHS, units, strict=True):
            for index in range(count):
                stride = 2 if index == 0 else 1
                body.append(_Unit(channels, width, stride, squeeze_excitation))
                channels = width
        self.body = nn.Sequential(*body)
        side = self.input_size // 16
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(channels * side * side, embedding_dim),
            nn.BatchNorm1d(embedding_dim),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Compute embeddings.

        Args:
            faces: Aligned faces ``(batch, 3, 112, 112)`` in [-1, 1].

        Returns:
            Embeddings ``(batch, embedding_dim)`` of length 1.
        """
        return functional.normalize(self.output_layer(self.body(self.input_layer(faces))))


class IRSE50(IRNetwork):
    """The network of 50 layers with squeeze-and-excitation, as in ``model_ir_se50.pth``."""

    def __init__(self) -> None:
        super().__init__((3, 4, 14, 3), squeeze_excitation=True)


class IR50(IRNetwork):
    """The network of 50 layers without squeeze-and-excitation."""

    def __init__(self) -> None:
        super().__init__((3, 4, 14, 3), squeeze_excitation=False)


class _Unit(nn.Module):
    """Two convolutions between normalisations, beside a shortcut."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, squeeze_excitation: bool
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.PReLU(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        if squeeze_excitation:
            layers.append(_SqueezeExcitation(out_channels))
        self.res_layer = nn.Sequential(*layers)
        self.shortcut_layer: nn.Module
        if in_channels == out_channels:
            # a window of one pixel: it only leaves out rows and columns
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.res_layer(features) + self.shortcut_layer(features)
        return result


class _SqueezeExcitation(nn.Module):
    """Scales of the channels, computed from their averages."""

    reduction = 16

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // self.reduction, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // self.reduction, channels, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        averages = features.mean(dim=(2, 3), keepdim=True)
        return features * torch.sigmoid(self.fc2(functional.relu(self.fc1(averages))))
