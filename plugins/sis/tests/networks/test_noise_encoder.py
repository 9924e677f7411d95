from __future__ import annotations

import torch

from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder


@torch.no_grad()
def test_every_class_has_a_style_of_its_own():
    codes = NoiseStyleEncoder(3, 10, 4)(torch.randn(2, 4))
    assert codes.shape == (2, 3, 10)
    assert not torch.allclose(codes[:, 0], codes[:, 1])


def test_published_size():
    with torch.device("meta"):
        encoder = NoiseStyleEncoder(19, 1280)
    assert sum(each.numel() for each in encoder.parameters()) == 28_244_224
