"""One style code for every class of a picture."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face.errors import ConfigError

__all__ = ["GroupedStyleEncoder", "SkipLayout"]

SkipLayout = Literal["reference", "per_class"]

# on a processor, many small pictures are enlarged faster by two matrix products: at a side of 32
# four times as fast, at 64 half as fast
MATRIX_SIDE = 32


class GroupedLayer(nn.Module):
    """Convolution 3x3, group norm with one group a class, ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        num_classes: Number of groups of the norm.
        groups: Number of groups of the convolution.
        stride: Stride of the convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, num_classes: int, groups: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, groups=groups)
        self.norm = nn.GroupNorm(num_classes, out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(batch, in_channels, height, width)``."""
        return F.relu(self.norm(self.conv(features)), inplace=True)


class GroupedStyleEncoder(nn.Module):
    """Encoder and decoder of grouped convolutions, pooled over every class at several sides.

    Every class has its own slice of the channels. At each side on the way up the slice of a class
    is averaged over the pixels of that class and mapped to a code in -1..1; the codes of all
    sides, coarse first, are the style of the class. A class without pixels has the code that its
    biases give.

    Args:
        num_classes: Number of classes.
        style_dim: Width of a code of one side.
        num_features: Channels of a class at full size; they double with every halving.
        num_downsamplings: Number of halvings.
        num_upsamplings: Number of doublings after them, hence of codes.
        skip_layout: ``reference`` puts all classes of the skip connection after all classes of the
            features, as in the published code, so that the groups of the next convolution cut
            across classes; ``per_class`` puts the two slices of a class together.

    Raises:
        ConfigError: There are more doublings than halvings.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071), section III; the concatenation is that of the published code.
    """

    def __init__(
        self,
        num_classes: int,
        style_dim: int = 256,
        num_features: int = 4,
        num_downsamplings: int = 6,
        num_upsamplings: int = 5,
        skip_layout: SkipLayout = "reference",
    ) -> None:
        super().__init__()
        if not 1 <= num_upsamplings <= num_downsamplings:
            msg = (
                f"num_upsamplings={num_upsamplings} must lie between 1 and num_downsamplings="
                f"{num_downsamplings}"
            )
            raise ConfigError(msg)
        if skip_layout not in ("reference", "per_class"):
            msg = f"skip_layout={skip_layout!r} must be reference or per_class"
            raise ConfigError(msg)
        self.num_classes = num_classes
        self.style_dim = style_dim
        self.num_codes = num_upsamplings
        self.side_multiple = 2**num_downsamplings
        self.skip_layout = skip_layout
        widths = [num_classes * num_features * 2**i for i in range(num_downsamplings + 1)]
        self.stem = GroupedLayer(3, widths[0], num_classes, groups=1)
        self.down_layers = nn.ModuleList(
            GroupedLayer(narrow, wide, num_classes, groups=num_classes, stride=2)
            for narrow, wide in pairwise(widths)
        )
        self.up_layers = nn.ModuleList()
        self.code_layers = nn.ModuleList()
        for step in range(num_upsamplings):
            wide, narrow = widths[-1 - step], widths[-2 - step]
            in_channels = wide if step == 0 else 2 * wide
            self.up_layers.append(GroupedLayer(in_channels, narrow, num_classes, num_classes))
            self.code_layers.append(
                nn.Conv1d(narrow, num_classes * style_dim, 1, groups=num_classes)
            )

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Encode the style of every class.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in -1..1.
            masks: One mask a class ``(batch, num_classes, ., .)``, 0 or 1, of any size.

        Returns:
            Codes ``(batch, num_classes, num_upsamplings * style_dim)`` in -1..1.

        Raises:
            ConfigError: A side is not a multiple of 2 to the number of halvings.
        """
        height, width = images.shape[-2:]
        if height % self.side_multiple or width % self.side_multiple:
            msg = (
                f"pictures of {height}x{width} do not fit the style encoder: both sides must be "
                f"multiples of {self.side_multiple}"
            )
            raise ConfigError(msg)
        features = self.stem(images)
        skips = []
        for layer in self.down_layers:
            features = layer(features)
            skips.append(features)
        features = skips.pop()
        codes = []
        last = len(self.up_layers) - 1
        for step, (layer, code_layer) in enumerate(
            zip(self.up_layers, self.code_layers, strict=True)
        ):
            features = layer(double(features))
            pooled = pool_classes(features, masks).flatten(1, 2).unsqueeze(2)
            codes.append(torch.tanh(code_layer(pooled)).view(-1, self.num_classes, self.style_dim))
            if step < last:
                features = self._join(features, skips.pop())
        return torch.cat(codes, dim=2)

    def _join(self, features: Tensor, skip: Tensor) -> Tensor:
        """Concatenate features and skip connection along the channels."""
        if self.skip_layout == "reference":
            return torch.cat([features, skip], dim=1)
        slices = [part.unflatten(1, (self.num_classes, -1)) for part in (features, skip)]
        return torch.cat(slices, dim=2).flatten(1, 2)


def double(features: Tensor) -> Tensor:
    """Double the sides, bilinearly.

    Args:
        features: Features ``(batch, channels, height, width)``.

    Returns:
        Features ``(batch, channels, 2 * height, 2 * width)``.
    """
    height, width = features.shape[2:]
    if features.device.type != "cpu" or max(height, width) > MATRIX_SIDE:
        return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
    return _doubling(height, features).t() @ features @ _doubling(width, features)


def _doubling(side: int, like: Tensor) -> Tensor:
    """Give the matrix ``(side, 2 * side)`` of a linear doubling."""
    lines = torch.eye(side, dtype=like.dtype, device=like.device)
    return F.interpolate(lines[None], scale_factor=2, mode="linear", align_corners=False)[0]


def pool_classes(features: Tensor, masks: Tensor) -> Tensor:
    """Average the slice of every class over the pixels of that class.

    Args:
        features: Features ``(batch, classes * channels, height, width)``, class by class.
        masks: One mask a class ``(batch, classes, ., .)``, brought to the size of the features.

    Returns:
        Averages ``(batch, classes, channels)``, 0 for a class without pixels.
    """
    masks = F.interpolate(masks, size=features.shape[-2:], mode="nearest").flatten(2)
    slices = features.flatten(2).unflatten(1, (masks.shape[1], -1))
    sums = (slices @ masks.unsqueeze(3)).squeeze(3)
    return sums / (masks.sum(dim=2, keepdim=True) + 1e-5)
