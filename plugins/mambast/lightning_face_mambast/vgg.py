"""The frozen feature network of the losses."""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError

__all__ = ["LAYERS", "VGGNormalised", "load_vgg", "random_vgg", "vgg_state_dict"]

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

# indices of the 3x3 convolutions up to relu5_1 in the two layouts of weight files
NORMALISED = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42)
TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

WHERE = (
    "get vgg_normalised.pth from the releases of https://github.com/naoto0804/pytorch-AdaIN, "
    "put it there or set model.vgg_weights to its path"
)


class VGGNormalised(nn.Sequential):
    """VGG19 up to relu5_1 with reflection padding and pools that round up.

    The first layer is a 1x1 convolution that turns RGB in [0, 1] into what the filters expect, so
    pictures go in as they are. Layers are numbered as in the published file.

    Source: the published code; the filters were rescaled to a mean activation of 1 by Gatys et
    al., "Image style transfer using convolutional neural networks", CVPR 2016.

    Args:
        width: Channels of the first block; 64 is the published size.
    """

    # the last layer of each of the five parts
    ENDS = (3, 10, 17, 30, 43)

    def __init__(self, width: int = 64) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 3, 1)]
        channels = 3
        plan = ((1, 2), (2, 2), (4, 4), (8, 4), (8, 1))
        for block, (multiple, convolutions) in enumerate(plan):
            if block:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            for _ in range(convolutions):
                layers.append(nn.ReflectionPad2d(1))
                layers.append(nn.Conv2d(channels, multiple * width, 3))
                layers.append(nn.ReLU(inplace=True))
                channels = multiple * width
        super().__init__(*layers)
        self.width = width
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Compute the five feature maps.

        Args:
            images: RGB in [0, 1], ``(batch, 3, height, width)``, sides of 17 pixels or more.

        Returns:
            Maps after relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1, from
            ``(batch, width, height, width)`` to ``(batch, 8 width, height / 16, width / 16)``.

        Raises:
            ValueError: The pictures are too small for the last block.
        """
        if min(images.shape[2:]) < 17:
            msg = f"feature maps need pictures of at least 17 pixels, got {tuple(images.shape)}"
            raise ValueError(msg)
        features = []
        x = images
        for index, layer in enumerate(self):
            x = layer(x)
            if index in self.ENDS:
                features.append(x)
        return features


def random_vgg(width: int = 64, seed: int = 0) -> VGGNormalised:
    """Make a feature network with fixed random filters, for runs without the published file.

    Filters are Kaiming-normal with zero bias; the first layer spreads [0, 1] over [-2, 2]. The
    weights are a function of the arguments alone.

    Args:
        width: Channels of the first block.
        seed: Seed of the filters.
    """
    vgg = VGGNormalised(width)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in vgg.named_parameters():
            if name == "0.weight":
                value.copy_(4 * torch.eye(3)[:, :, None, None])
            elif name == "0.bias":
                value.fill_(-2.0)
            elif name.endswith("weight"):
                value.normal_(0.0, math.sqrt(2.0 / value[0].numel()), generator=generator)
            else:
                value.zero_()
    return vgg


def vgg_state_dict(tensors: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """Bring the weights of a VGG19 file into the layout of `VGGNormalised`.

    Two layouts are known: the normalised file (``0.weight``, ``2.weight``, ...) and torchvision's
    VGG19 (``features.0.weight``, ...). For the latter the first layer becomes the usual ImageNet
    normalisation. Its activations grow with depth instead of having a mean of 1, so the losses
    weigh layers otherwise and results are known to be poorer.

    Args:
        tensors: What the file holds; layers behind relu5_1 are ignored.
        source: Name of the file for errors.

    Raises:
        WeightsError: The tensors have neither layout.
    """
    tensors = {re.sub(r"^(module\.|vgg\.)+", "", key): value for key, value in tensors.items()}
    if "features.0.weight" in tensors:
        std = torch.tensor(IMAGENET_STD)
        state = {
            "0.weight": torch.diag(1 / std)[:, :, None, None],
            "0.bias": -torch.tensor(IMAGENET_MEAN) / std,
        }
        names = {
            f"features.{old}": str(new) for old, new in zip(TORCHVISION, NORMALISED, strict=True)
        }
    else:
        state = {}
        names = {str(index): str(index) for index in (0, *NORMALISED)}
    wanted = {
        f"{old}.{leaf}": f"{new}.{leaf}"
        for old, new in names.items()
        for leaf in ("weight", "bias")
    }
    missing = [key for key in wanted if key not in tensors]
    if missing:
        msg = f"{source} is not a VGG19 file: it has no {missing[0]!r}; {WHERE}"
        raise WeightsError(msg)
    return state | {new: tensors[old] for old, new in wanted.items()}


def load_vgg(path: str | Path) -> VGGNormalised:
    """Read the feature network from a weights file of either layout.

    Raises:
        WeightsError: The file is missing, or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"no VGG weights at {path}: {WHERE}, or to null for a random feature network"
        raise WeightsError(msg)
    state = vgg_state_dict(load_tensors(path), str(path))
    vgg = VGGNormalised(len(state["2.weight"]))
    expected = {key: value.shape for key, value in vgg.state_dict().items()}
    wrong = [key for key, shape in expected.items() if state[key].shape != shape]
    if wrong:
        msg = (
            f"{path} is not a VGG19 file: {wrong[0]!r} is {tuple(state[wrong[0]].shape)} instead "
            f"of {tuple(expected[wrong[0]])}; {WHERE}"
        )
        raise WeightsError(msg)
    vgg.load_state_dict(state)
    return vgg
