"""Heat maps of words."""

from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_mars.evaluation.grad_cam import heat_map


@pytest.fixture
def tokens(small_network, pictures):
    with torch.no_grad():
        return small_network().encode_image(pictures)[0]


def test_shape_sign_and_padding(small_network, texts, tokens):
    network = small_network().requires_grad_(False)
    with torch.no_grad():
        found = heat_map(network, *texts, tokens, layer=2)
    assert found.maps.shape == (3, 7, 4, 4)
    assert found.maps.min() >= 0
    assert found.maps.amax(dim=(2, 3)).bool().equal(texts[1].bool())
    torch.testing.assert_close(
        found.logits, network.match_logits(*texts, tokens), atol=2e-5, rtol=1e-4
    )
    assert all(parameter.grad is None for parameter in network.parameters())


def test_of_the_last_layer_only_the_class_token_counts(small_network, texts, tokens):
    maps = heat_map(small_network(), *texts, tokens, layer=3).maps
    assert maps[:, 0].amax() > 0
    assert maps[:, 1:].amax() == 0


def test_a_sample_does_not_depend_on_its_neighbours(small_network, texts, tokens):
    network = small_network()
    together = heat_map(network, *texts, tokens, layer=1).maps
    alone = heat_map(network, *(each[1:2] for each in texts), tokens[1:2], layer=1).maps
    torch.testing.assert_close(together[1:2], alone, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(("full_ca", "layer"), [(True, 4), (True, -1), (False, 1)])
def test_layers_that_attend_to_no_image(small_network, texts, tokens, full_ca, layer):
    with pytest.raises(ConfigError, match=f"layer {layer} has no cross attention"):
        heat_map(small_network(full_ca), *texts, tokens, layer)
