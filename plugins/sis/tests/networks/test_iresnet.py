from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.iresnet import IRESNET_UNITS, IResNet


@pytest.mark.parametrize(
    ("depth", "count"), [(18, 24_025_600), (34, 34_139_328), (50, 43_590_848), (100, 65_156_160)]
)
def test_every_depth_has_its_published_size(depth, count):
    with torch.device("meta"):
        network = IResNet(IRESNET_UNITS[depth])
    assert sum(each.numel() for each in network.parameters()) == count


def test_embeddings_do_not_depend_on_the_batch_and_keep_their_length():
    torch.manual_seed(0)
    network = IResNet((1, 1, 1, 2), embedding_dim=24).eval()
    network.features.weight.data.fill_(5.0)
    faces = torch.rand(3, 3, 112, 112) * 2 - 1
    with torch.no_grad():
        embeddings = network(faces)
        alone = network(faces[1:2])
    assert embeddings.shape == (3, 24)
    assert torch.allclose(embeddings[1:2], alone, atol=1e-4)
    assert not torch.allclose(embeddings.norm(dim=1), torch.ones(3), atol=1e-2)


def test_every_stage_halves_the_size():
    network = IResNet((1, 1, 1, 1), embedding_dim=8).eval()
    features = torch.rand(1, 64, 16, 16)
    sides = []
    with torch.no_grad():
        for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
            features = stage(features)
            sides.append(features.shape[-1])
    assert sides == [8, 4, 2, 1]
