"""Inception-v3 up to its pooled features.

Modules are named as in the weights published for PyTorch; classifier heads of such files are
ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.errors import WeightsError

__all__ = ["InceptionV3", "Pooling"]

Pooling = Literal["pytorch", "tensorflow"]
Size = int | tuple[int, int]
Pool = Callable[[Tensor], Tensor]


class ConvNorm(nn.Module):
    """Convolution without bias, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Size, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, inputs, height, width)`` to ``(batch, outputs, height', width')``."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def _same(inputs: int, outputs: int, kernel: Size) -> ConvNorm:
    """Convolution that keeps height and width."""
    layer = ConvNorm(inputs, outputs, kernel)
    layer.conv.padding = tuple(size // 2 for size in layer.conv.kernel_size)
    return layer


def _average(x: Tensor) -> Tensor:
    """Mean of 3x3 neighbours; the zeros around the border are counted."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1)


def _average_inside(x: Tensor) -> Tensor:
    """Mean of those of the 3x3 neighbours that lie inside."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _largest(x: Tensor) -> Tensor:
    """Maximum of 3x3 neighbours."""
    return functional.max_pool2d(x, 3, stride=1, padding=1)


class Mixed5(nn.Module):
    """Block at 1/8 of the input size: 1x1, 5x5 and double 3x3 branches."""

    def __init__(self, inputs: int, pooled: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = _same(inputs, 64, 1)
        self.branch5x5_1 = _same(inputs, 48, 1)
        self.branch5x5_2 = _same(48, 64, 5)
        self.branch3x3dbl_1 = _same(inputs, 64, 1)
        self.branch3x3dbl_2 = _same(64, 96, 3)
        self.branch3x3dbl_3 = _same(96, 96, 3)
        self.branch_pool = _same(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, inputs, height, width)`` to ``(batch, 224 + pooled, height, width)``."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        wide = self.branch5x5_2(self.branch5x5_1(x))
        return torch.cat([self.branch1x1(x), wide, double, self.branch_pool(self.pool(x))], dim=1)


class Reduction6(nn.Module):
    """Block that halves the size, from 288 to 768 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3 = ConvNorm(288, 384, 3, stride=2)
        self.branch3x3dbl_1 = _same(288, 64, 1)
        self.branch3x3dbl_2 = _same(64, 96, 3)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, 288, height, width)`` to ``(batch, 768, height / 2, width / 2)``."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, functional.max_pool2d(x, 3, 2)], dim=1)


class Mixed6(nn.Module):
    """Block at 1/16 of the input size: rows and columns of seven instead of 7x7 squares."""

    def __init__(self, width: int, pool: Pool) -> None:
        super().__init__()
        row, column = (1, 7), (7, 1)
        self.pool = pool
        self.branch1x1 = _same(768, 192, 1)
        self.branch7x7_1 = _same(768, width, 1)
        self.branch7x7_2 = _same(width, width, row)
        self.branch7x7_3 = _same(width, 192, column)
        self.branch7x7dbl_1 = _same(768, width, 1)
        self.branch7x7dbl_2 = _same(width, width, column)
        self.branch7x7dbl_3 = _same(width, width, row)
        self.branch7x7dbl_4 = _same(width, width, column)
        self.branch7x7dbl_5 = _same(width, 192, row)
        self.branch_pool = _same(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape ``(batch, 768, height, width)``."""
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        pooled = self.branch_pool(self.pool(x))
        return torch.cat([self.branch1x1(x), single, double, pooled], dim=1)


class Reduction7(nn.Module):
    """Block that halves the size, from 768 to 1280 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = _same(768, 192, 1)
        self.branch3x3_2 = ConvNorm(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _same(768, 192, 1)
        self.branch7x7x3_2 = _same(192, 192, (1, 7))
        self.branch7x7x3_3 = _same(192, 192, (7, 1))
        self.branch7x7x3_4 = ConvNorm(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, 768, height, width)`` to ``(batch, 1280, height / 2, width / 2)``."""
        small = self.branch3x3_2(self.branch3x3_1(x))
        wide = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([small, self.branch7x7x3_4(wide), functional.max_pool2d(x, 3, 2)], dim=1)


class Mixed7(nn.Module):
    """Block at 1/32 of the input size, whose branches fan out into rows and columns."""

    def __init__(self, inputs: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = _same(inputs, 320, 1)
        self.branch3x3_1 = _same(inputs, 384, 1)
        self.branch3x3_2a = _same(384, 384, (1, 3))
        self.branch3x3_2b = _same(384, 384, (3, 1))
        self.branch3x3dbl_1 = _same(inputs, 448, 1)
        self.branch3x3dbl_2 = _same(448, 384, 3)
        self.branch3x3dbl_3a = _same(384, 384, (1, 3))
        self.branch3x3dbl_3b = _same(384, 384, (3, 1))
        self.branch_pool = _same(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, inputs, height, width)`` to ``(batch, 2048, height, width)``."""
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branches = [
            self.branch1x1(x),
            self.branch3x3_2a(single),
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(self.pool(x)),
        ]
        return torch.cat(branches, dim=1)


class InceptionV3(nn.Module):
    """Inception-v3 without classifier, frozen and always in evaluation mode.

    Args:
        pooling: How the pooling branches treat the border. ``"pytorch"`` counts the zeros around
            it, as networks trained in PyTorch do. ``"tensorflow"`` averages over what lies inside,
            and takes the maximum in the last block: the network of 2015 that FID is defined by.

    Source:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", table 1.
    """

    features = 2048
    """Channels of the last block."""

    blocks = tuple(
        f"Mixed_{name}"
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
    )

    def __init__(self, pooling: Pooling = "pytorch") -> None:
        super().__init__()
        inner, last = (_average, _average) if pooling == "pytorch" else (_average_inside, _largest)
        self.Conv2d_1a_3x3 = ConvNorm(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3)
        self.Conv2d_2b_3x3 = _same(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3)
        self.Mixed_5b = Mixed5(192, 32, inner)
        self.Mixed_5c = Mixed5(256, 64, inner)
        self.Mixed_5d = Mixed5(288, 64, inner)
        self.Mixed_6a = Reduction6()
        self.Mixed_6b = Mixed6(128, inner)
        self.Mixed_6c = Mixed6(160, inner)
        self.Mixed_6d = Mixed6(160, inner)
        self.Mixed_6e = Mixed6(192, inner)
        self.Mixed_7a = Reduction7()
        self.Mixed_7b = Mixed7(1280, inner)
        self.Mixed_7c = Mixed7(2048, last)
        self.requires_grad_(False)
        self.eval()

    def load_published(
        self, tensors: Mapping[str, Tensor], source: str = "Inception-v3 weights"
    ) -> None:
        """Take weights under their published names; those of the classifier heads are ignored.

        Args:
            tensors: Tensors of the published file.
            source: Name of the file for the error message.

        Raises:
            WeightsError: If a tensor of the trunk is missing or of another shape.
        """
        state = {}
        for name, own in self.state_dict().items():
            # Counts of training steps do not touch the features and are not always saved.
            if name.endswith("num_batches_tracked"):
                state[name] = own
            elif name not in tensors or tensors[name].shape != own.shape:
                msg = f"{source} does not fit: {name} of shape {tuple(own.shape)} is missing"
                raise WeightsError(msg)
            else:
                state[name] = tensors[name]
        self.load_state_dict(state)

    def train(self, mode: bool = True) -> InceptionV3:
        """Stay in evaluation mode: the features are those of fixed batch statistics."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the pooled features.

        Args:
            images: Pictures ``(batch, 3, height, width)``, normalised as the weights expect, at
                least 75 pixels a side.

        Returns:
            Features ``(batch, 2048)``.
        """
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = functional.max_pool2d(x, 3, stride=2)
        for block in self.blocks:
            x = self.get_submodule(block)(x)
        return x.mean(dim=(2, 3))
