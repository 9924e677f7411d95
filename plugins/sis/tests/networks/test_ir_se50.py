from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.ir_se50 import IR50, IRSE50, IRNetwork

UNITS = (1, 2, 1, 1)


def small(squeeze_excitation: bool) -> IRNetwork:
    torch.manual_seed(0)
    return IRNetwork(UNITS, squeeze_excitation, embedding_dim=24).eval()


@pytest.mark.parametrize(("network", "count"), [(IRSE50, 43_797_696), (IR50, 43_574_976)])
def test_the_networks_of_50_layers_have_24_units_and_their_published_size(network, count):
    with torch.device("meta"):
        built = network()
    assert len(built.body) == 24
    assert sum(each.numel() for each in built.parameters()) == count


@pytest.mark.parametrize("squeeze_excitation", [True, False])
def test_embeddings_have_unit_length_and_do_not_depend_on_the_batch(squeeze_excitation):
    faces = torch.rand(3, 3, 112, 112) * 2 - 1
    network = small(squeeze_excitation)
    with torch.no_grad():
        embeddings = network(faces)
        alone = network(faces[1:2])
    assert embeddings.shape == (3, 24)
    assert torch.allclose(embeddings.norm(dim=1), torch.ones(3))
    assert torch.allclose(embeddings[1:2], alone, atol=1e-5)
    assert not torch.allclose(embeddings[0], embeddings[1], atol=1e-3)


def test_squeeze_and_excitation_scales_every_channel_by_one_number():
    layer = small(True).body[0].res_layer[5]
    features = torch.rand(2, 64, 5, 4)
    ratios = layer(features) / features
    scales = ratios[..., :1, :1]
    assert torch.allclose(ratios, scales.expand_as(ratios), atol=1e-6)
    # sigmoid of two maps without bias, of the averages alone
    averages = features.mean(dim=(2, 3))
    hidden = torch.relu(averages @ layer.fc1.weight.flatten(1).T)
    expected = torch.sigmoid(hidden @ layer.fc2.weight.flatten(1).T)
    assert torch.allclose(scales[..., 0, 0], expected, atol=1e-6)


def test_shortcuts_leave_out_pixels_where_widths_agree_and_project_elsewhere():
    network = small(False)
    features = torch.rand(1, 64, 8, 8)
    assert torch.equal(network.body[0].shortcut_layer(features), features[..., ::2, ::2])
    assert network.body[1].shortcut_layer(features).shape == (1, 128, 4, 4)
    wide = torch.rand(1, 128, 4, 4)
    assert torch.equal(network.body[2].shortcut_layer(wide), wide)
