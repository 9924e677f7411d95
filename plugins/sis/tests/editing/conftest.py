from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.generator import CA2SISGenerator

CLASSES = 5


def make_network(**settings):
    torch.manual_seed(0)
    network = CA2SISGenerator(
        num_classes=CLASSES,
        style_dim=8,
        grid=(4, 4),
        heads=(1,) * 5,
        head_dims=(16,) * 5,
        **settings,
    )
    for block in [*network.attention_blocks]:
        # the last map of a new block is zero, so that styles would change nothing
        torch.nn.init.normal_(block.proj_out.weight, std=0.2)
    return network.eval().requires_grad_(False)


def draw_faces(count=2, seed=0):
    """Images of noise whose classes are vertical stripes, drawn elsewhere in each image."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 3, 64, 64, generator=generator) * 2 - 1
    labels = torch.zeros(count, 1, 64, 64, dtype=torch.uint8)
    for image in range(count):
        for number in range(1, CLASSES):
            start = 12 * (number - 1) + 5 * image
            labels[image, 0, 8 * number :, start : start + 12] = number
    return images, labels


@pytest.fixture(scope="session")
def network():
    return make_network()


@pytest.fixture(scope="session")
def noise_network():
    return make_network(noise_dim=16)


@pytest.fixture
def faces():
    return draw_faces()
