"""Two processes do what one does with both halves of the batch."""

from __future__ import annotations

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from lightning_face.testing.processes import run_processes
from lightning_face_mambast.losses import StyleTransferLoss
from lightning_face_mambast.mambast import MambaST
from lightning_face_mambast.vgg import random_vgg

STEPS = 2


def make_network() -> MambaST:
    torch.manual_seed(0)
    return MambaST(16, 2, 1, 1, rnd_style=False, drop_path=0.0, init="s4d")


def make_pictures() -> torch.Tensor:
    return torch.rand(STEPS, 2, 4, 3, 24, 24, generator=torch.Generator().manual_seed(1))


def train(network: torch.nn.Module, pictures: torch.Tensor) -> None:
    loss = StyleTransferLoss(random_vgg(2))
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.01)
    for content, style in pictures:
        optimizer.zero_grad()
        torch.stack(
            list(loss(content, style, network(content, style)).sums().values())
        ).sum().backward()
        optimizer.step()


def train_half(rank: int):
    # the default: a parameter that got no gradient would raise in the second step
    network = DistributedDataParallel(make_network())
    train(network, make_pictures()[:, :, 2 * rank : 2 * rank + 2])
    return network.module.state_dict()


@pytest.mark.distributed
def test_two_processes_equal_one_with_the_double_batch():
    network = make_network()
    train(network, make_pictures())
    for state in run_processes(train_half):
        torch.testing.assert_close(state, network.state_dict(), rtol=1e-4, atol=1e-5)
