"""Speed and memory of the generator of CA2-SIS, in one run.

Every figure is measured in a process of its own, on the same weights and pictures for both
formulations, and their outputs are compared.

    python benchmarks/sis.py               about two minutes
    python benchmarks/sis.py generator
"""

from __future__ import annotations

from functools import partial
from typing import Any

import straightforward.ca2sis
import torch
from side_by_side import Task, main, measured
from torch import Tensor, nn

from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer

SIDE = 256


def changing(network: nn.Module) -> None:
    """Draw also the weights that start at zero, so that every block changes its input."""
    draw = torch.Generator().manual_seed(0)
    for name, parameter in network.named_parameters():
        if name.endswith(("conv2.weight", "proj_out.weight")):
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5, generator=draw)
    network.eval()


def pictures_and_masks(classes: int) -> tuple[Tensor, Tensor]:
    """A soft picture and a mask whose classes are as patches of a face."""
    draw = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 3, 16, 16, generator=draw) * 2 - 1
    labels = torch.randint(classes, (1, 16, 16), generator=draw)
    labels = labels.repeat_interleave(SIDE // 16, 1).repeat_interleave(SIDE // 16, 2)
    masks = nn.functional.one_hot(labels, classes).permute(0, 3, 1, 2).float()
    return nn.functional.interpolate(picture, SIDE, mode="bilinear"), masks


def generator(classes: int, straight: bool) -> dict[str, Any]:
    """Reconstruct a picture of 256x256 in the published size."""
    torch.manual_seed(0)
    network = CA2SISGenerator(classes)
    changing(network)
    images, masks = pictures_and_masks(classes)

    def reconstruct() -> Tensor:
        if straight:
            return straightforward.ca2sis.generate(network, images, masks)
        return network(images, masks).images

    with torch.inference_mode():
        figures, result = measured(reconstruct, repeats=3)
    return figures | {"values": result.flatten()[::37].tolist()}


def training(straight: bool) -> dict[str, Any]:
    """Compute the gradients of a reconstruction at 256x256."""
    torch.manual_seed(0)
    network = CA2SISGenerator()
    changing(network)
    images, masks = pictures_and_masks(19)

    def step() -> Tensor | None:
        network.zero_grad()
        if straight:
            result = straightforward.ca2sis.generate(network, images, masks)
        else:
            result = network(images, masks).images
        result.square().mean().backward()
        return network.input_conv.weight.grad

    figures, gradient = measured(step)
    return figures | {"values": gradient.flatten().tolist()}


def block(side: int, straight: bool) -> dict[str, Any]:
    """Apply an attention block whose pixels look at each other."""
    torch.manual_seed(0)
    network = SpatialTransformer(64, 1280)
    changing(network)
    draw = torch.Generator().manual_seed(1)
    features = torch.randn(1, 64, side, side, generator=draw)
    styles = torch.rand(1, 19, 1280, generator=draw) * 2 - 1

    def restyle() -> Tensor:
        if straight:
            return straightforward.ca2sis.transform(network, features, styles)
        return network(features, styles).features

    with torch.inference_mode():
        figures, result = measured(restyle)
    return figures | {"values": result.flatten()[::37].tolist()}


TASKS = {
    "generator": Task(
        partial(generator, 19), "generator 256x256, 19 classes", "time 1/2.6, memory 1/2"
    ),
    "many": Task(partial(generator, 151), "generator 256x256, 151 classes", ""),
    "block64": Task(partial(block, 64), "self-attention block 64x64", ""),
    "block96": Task(partial(block, 96), "self-attention block 96x96", "memory as the pixels"),
    "training": Task(training, "gradients of one picture 256x256", ""),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
