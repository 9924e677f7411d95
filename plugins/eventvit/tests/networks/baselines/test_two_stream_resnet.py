from __future__ import annotations

import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_eventvit.networks.baselines import TwoStreamResNet


@pytest.fixture(scope="module")
def network() -> TwoStreamResNet:
    torch.manual_seed(0)
    return TwoStreamResNet(num_classes=3, hidden_dim=8, mlp_dim=8).eval()


@torch.no_grad()
def test_streams_hear_of_each_other_from_the_second_frame_on(network):
    event, rgb = torch.rand(1, 2, 1, 32, 32), torch.rand(1, 2, 3, 32, 32)
    seen = []
    handle = network.encoder_event.register_forward_hook(
        lambda module, inputs, output: seen.append(output[:, -1])
    )
    try:
        network(event, rgb)
        network(event, rgb.flip(-1))
    finally:
        handle.remove()
    torch.testing.assert_close(seen[0], seen[2])
    assert not torch.equal(seen[1], seen[3])


def test_streams_of_different_length_are_refused(network):
    with pytest.raises(DataError, match=r"\(1, 2\) clips and frames and \(1, 3\)"):
        network(torch.zeros(1, 2, 1, 32, 32), torch.zeros(1, 3, 3, 32, 32))
