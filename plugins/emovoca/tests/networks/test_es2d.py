from __future__ import annotations

import torch

from lightning_face_emovoca.networks.es2d import ES2D

SETTINGS = {"decoder_widths": (9, 8, (7, 3)), "num_landmarks": 4}


def test_has_the_published_parameters():
    with torch.device("meta"):
        network = ES2D((5023, 1256, 314, 79, 20), (15, 14, 9, 9, 7))
    assert sum(value.numel() for value in network.parameters()) == 666_083
    assert network.fc_latent_dec.weight.shape == (2688, 204)


@torch.inference_mode()
def test_landmarks_may_be_flattened(hierarchy):
    network = ES2D.from_hierarchy(hierarchy(), **SETTINGS)
    landmarks = torch.randn(5, 4, 3)
    displacement = network(landmarks)
    assert displacement.shape == (5, 40, 3)
    assert torch.equal(displacement, network(landmarks.flatten(1)))


@torch.inference_mode()
def test_scales_are_undone(hierarchy):
    plain = ES2D.from_hierarchy(hierarchy(), **SETTINGS)
    scaled = ES2D.from_hierarchy(hierarchy(), **SETTINGS, unit="cm", landmark_scale=20.0)
    scaled.load_state_dict(plain.state_dict())
    landmarks = torch.randn(5, 4, 3)
    assert torch.allclose(scaled(landmarks), plain(20 * landmarks) / 100, atol=1e-6)


@torch.inference_mode()
def test_all_vertices_move(hierarchy):
    network = ES2D.from_hierarchy(hierarchy(), **SETTINGS)
    assert (network(torch.randn(5, 4, 3)) != 0).all()
