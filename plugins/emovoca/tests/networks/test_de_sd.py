from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_emovoca.networks.de_sd import DESD

SETTINGS = {"latent_size": 10, "encoder_widths": (6, 7), "decoder_widths": (9, 8, (7, 3))}


@pytest.fixture
def network(hierarchy):
    torch.manual_seed(0)
    return DESD.from_hierarchy(hierarchy(), **SETTINGS).eval()


@pytest.fixture
def faces():
    """Displacements of four talking heads and one expressive one."""
    torch.manual_seed(1)
    return torch.randn(4, 40, 3), torch.randn(1, 40, 3)


def test_has_the_published_parameters():
    with torch.device("meta"):
        network = DESD((5023, 1256, 314, 79, 20), (15, 14, 9, 9, 7))
    shapes = {name: tuple(value.shape) for name, value in network.named_parameters()}
    assert sum(value.numel() for value in network.parameters()) == 3_071_331
    assert shapes["conv_talk.0.conv.weight"] == (16, 45)
    assert shapes["conv_emo.3.conv.weight"] == (128, 576)
    assert shapes["fc_latent_enc_talk.weight"] == shapes["fc_latent_enc_emo.weight"] == (256, 2688)
    assert shapes["fc_latent_dec.weight"] == (2688, 512)
    assert [shapes[f"dconv.{index}.conv.weight"] for index in range(5)] == [
        (64, 1152),
        (32, 576),
        (32, 448),
        (16, 480),
        (3, 240),
    ]


@torch.inference_mode()
def test_mixture_is_decoded_from_scaled_latents(network, faces):
    talking, expression = network.encode_talking(faces[0]), network.encode_expression(faces[1])
    both = torch.cat([2 * talking, 1.5 * expression.expand(4, -1)], dim=1)
    expected = network.dconv(network.fc_latent_dec(both), network.tables)
    assert torch.allclose(network.mix(*faces, intensity=1.5), expected, atol=1e-6)


@torch.inference_mode()
def test_variants_of_a_frame_are_sums_of_terms(network, faces):
    talking = 2 * network.talking_terms(network.encode_talking(faces[0]))
    expression = network.expression_terms(network.encode_expression(faces[1]))
    for intensity in (1.0, 2.5):
        summed = network.decode_terms(talking + intensity * expression)
        assert torch.allclose(summed, network.mix(*faces, intensity=intensity), atol=1e-6)


@torch.inference_mode()
def test_every_frame_may_have_its_intensity(network, faces):
    strengths = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    mixed = network.mix(*faces, intensity=strengths)
    for frame in range(4):
        alone = network.mix(faces[0][frame, None], faces[1], intensity=float(strengths[frame]))
        assert torch.allclose(mixed[frame], alone[0], atol=1e-6)


@torch.inference_mode()
def test_training_gives_the_decoder_one_latent_twice(network, faces):
    talking, expression = network(*faces)
    latent = network.encode_talking(faces[0])
    assert torch.allclose(talking, network.decode(latent, latent), atol=1e-6)
    latent = network.encode_expression(faces[1])
    assert torch.allclose(expression, network.decode(latent, latent), atol=1e-6)


@torch.inference_mode()
def test_published_shift_keeps_the_last_vertex_still(hierarchy, faces):
    network = DESD.from_hierarchy(hierarchy(), **SETTINGS, level0_shift=True)
    mixed = network.mix(*faces)
    assert (mixed[:, -1] == 0).all()
    assert (mixed[:, :-1] != 0).all()


@torch.inference_mode()
def test_unit_is_undone_at_the_output(network, hierarchy, faces):
    metric = DESD.from_hierarchy(hierarchy(), **SETTINGS, unit="cm").eval()
    metric.load_state_dict(network.state_dict())
    scaled = [100 * each for each in faces]
    assert torch.allclose(metric.mix(*faces), network.mix(*scaled) / 100, atol=1e-6)


def test_unknown_unit_is_refused():
    with pytest.raises(ConfigError, match="unit 'mm' is not one of m, cm"):
        DESD((40, 12, 5), (6, 5, 4), **SETTINGS, unit="mm")


@torch.inference_mode()
def test_weights_bring_the_mesh_hierarchy(network, faces):
    other = DESD((40, 12, 5), (6, 5, 4), **SETTINGS)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.eval().mix(*faces), network.mix(*faces))


def test_both_encoders_and_the_decoder_learn(network, faces):
    sum(each.square().sum() for each in network(*faces)).backward()
    assert all(value.grad.abs().sum() > 0 for value in network.parameters())


def test_bfloat16_training_returns_full_precision(network, faces):
    with torch.autocast("cpu", torch.bfloat16):
        talking, _ = network(*faces)
    assert torch.allclose(talking.float(), network(*faces)[0], atol=0.05)
    talking.sum().backward()
    assert all(value.grad is None or value.grad.isfinite().all() for value in network.parameters())
