from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F


@pytest.fixture
def drawn():
    """Give all weights of a network random values, also those that start at zero."""

    def draw(network: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(0)
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5, generator=generator)
            elif "norm" in name and name.endswith("weight"):
                nn.init.normal_(parameter, 1, 0.2, generator=generator)
            else:
                nn.init.normal_(parameter, 0, 0.2, generator=generator)
        return network.eval()

    return draw


@pytest.fixture
def random_masks():
    """Masks of blocks, in which every pixel has one class."""

    def make(batch: int, classes: int, height: int = 64, width: int = 64) -> torch.Tensor:
        draw = torch.Generator().manual_seed(1)
        labels = torch.randint(classes, (batch, 8, 8), generator=draw)
        masks = F.one_hot(labels, classes).permute(0, 3, 1, 2).float()
        return F.interpolate(masks, size=(height, width), mode="nearest")

    return make
