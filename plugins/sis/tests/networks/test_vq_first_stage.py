from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.networks import vq_first_stage
from lightning_face_sis.networks.vq_first_stage import VQFirstStage, nearest_codes

SMALL = {"num_embeddings": 16, "channels": 32, "channel_multipliers": (1, 2), "num_res_blocks": 1}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = VQFirstStage(**SMALL).eval().requires_grad_(False)
    torch.nn.init.normal_(network.codebook)
    return network


def by_definition(vectors, codes):
    distances = (vectors[:, None].double() - codes.double()).square().sum(dim=2)
    return distances.argmin(dim=1)


@pytest.mark.parametrize("distances", [1, 100, 2**19])
def test_codes_are_the_nearest(monkeypatch, distances):
    monkeypatch.setattr(vq_first_stage, "DISTANCES_ON_PROCESSOR", distances)
    draw = torch.Generator().manual_seed(1)
    vectors, codes = (torch.randn(n, 3, generator=draw) for n in (201, 50))
    assert torch.equal(nearest_codes(vectors, codes), by_definition(vectors, codes))


def test_of_codes_as_near_the_first_is_taken():
    codes = torch.tensor([[9.0, 0], [1, 0], [0, 1], [1, 0], [0, 1]])
    vectors = torch.tensor([[1.0, 0], [0, 1], [0.5, 0.5], [0, 0]])
    assert nearest_codes(vectors, codes).tolist() == [1, 2, 1, 1]


def test_codes_that_have_just_been_drawn_are_told_apart():
    draw = torch.Generator().manual_seed(1)
    codes = (torch.rand(8192, 3, generator=draw) * 2 - 1) / 8192
    vectors = torch.randn(100, 3, generator=draw)
    assert torch.equal(nearest_codes(vectors, codes), by_definition(vectors, codes))


def test_codes_are_compared_in_full_precision_under_autocast():
    draw = torch.Generator().manual_seed(1)
    vectors, codes = (torch.randn(n, 3, generator=draw) for n in (500, 2000))
    with torch.autocast("cpu", torch.bfloat16):
        found = nearest_codes(vectors, codes)
    assert torch.equal(found, by_definition(vectors, codes))


def test_published_size():
    with torch.device("meta"):
        network = VQFirstStage()
    assert sum(each.numel() for each in network.parameters()) == 55_322_782
    assert len(network.state_dict()) == 205
    assert network.factor == 4


def test_latents_are_not_quantised_before_decoding(network):
    images = torch.rand(1, 3, 16, 24) * 2 - 1
    latents = network.encode(images)
    assert latents.shape == (1, 3, 8, 12)
    found = network.quantize(latents)
    assert (found.latents - latents).abs().max() > 0.01
    torch.testing.assert_close(found.latents.permute(0, 2, 3, 1), network.codebook[found.indices])
    decoded = network.decode(latents)
    assert decoded.shape == images.shape
    torch.testing.assert_close(decoded, network.decode(found.latents, quantize=False))
    assert (decoded - network.decode(latents, quantize=False)).abs().max() > 1e-3


def test_quantised_latents_stay(network):
    once = network.quantize(torch.randn(1, 3, 4, 6))
    again = network.quantize(once.latents)
    assert torch.equal(once.latents, again.latents)
    assert torch.equal(once.indices, again.indices)


def test_the_gradient_passes_straight_through(network):
    latents = torch.randn(1, 3, 4, 4, requires_grad=True)
    weights = torch.randn(1, 3, 4, 4)
    (network.quantize(latents).latents * weights).sum().backward()
    torch.testing.assert_close(latents.grad, weights)


def test_latents_are_pulled_four_times_as_much_as_codes():
    network = VQFirstStage(**SMALL)
    torch.nn.init.normal_(network.codebook)
    latents = torch.randn(1, 3, 1, 1, requires_grad=True)
    found = network.quantize(latents)
    loss = network.codebook_loss(latents, found.indices)
    code = network.codebook[found.indices[0, 0, 0]].detach()
    gap = latents.detach().flatten() - code
    torch.testing.assert_close(loss, 1.25 * gap.square().mean())
    loss.backward()
    torch.testing.assert_close(latents.grad.flatten(), 2 / 3 * gap)
    moved = network.codebook.grad[found.indices[0, 0, 0]]
    torch.testing.assert_close(moved, -2 / 3 * 0.25 * gap)


def test_halves_may_have_several_precisions():
    network = VQFirstStage(**SMALL).eval().requires_grad_(False)
    latents, images = torch.randn(1, 3, 8, 8), torch.rand(1, 3, 16, 16)
    decoded, encoded = network.decode(latents), network.encode(images)
    network.autoencoder.decoder.bfloat16()
    half = network.decode(latents)
    assert half.dtype == torch.float32
    assert 0 < (half - decoded).norm() < 0.05 * decoded.norm()
    assert torch.equal(network.encode(images), encoded)
    network.bfloat16()
    assert (network.encode(images) - encoded).norm() < 0.05 * encoded.norm()
    assert network.quantize(latents).latents.dtype == torch.float32


def test_attention_is_counted_from_the_nominal_resolution():
    network = VQFirstStage(**SMALL, attention_resolutions=(16,), resolution=32)
    names = {name.rsplit(".", 3)[0] for name in network.state_dict() if ".to_q." in name}
    attended = {name.removeprefix("autoencoder.").rsplit(".attentions")[0] for name in names}
    assert attended == {
        "encoder.mid_block",
        "decoder.mid_block",
        "encoder.down_blocks.1",
        "decoder.up_blocks.0",
    }


def test_pictures_that_do_not_fit_are_refused(network):
    with pytest.raises(ValueError, match=r"15x16 do not fit .* multiples of 2"):
        network.encode(torch.zeros(1, 3, 15, 16))


@pytest.mark.parametrize("settings", [{"channels": 40}, {"channel_multipliers": ()}])
def test_settings_that_do_not_fit_are_refused(settings):
    with pytest.raises(ConfigError, match="channel"):
        VQFirstStage(**SMALL | settings)
