from __future__ import annotations

import torch

from lightning_face_eventvit.networks.baselines import CNNTransformerAlpha


@torch.no_grad()
def test_every_frame_gets_coefficients():
    torch.manual_seed(0)
    network = CNNTransformerAlpha(num_classes=3, hidden_dim=8, num_alphas=6).eval()
    clip = torch.rand(2, 4, 1, 224, 224)
    output = network(clip)
    assert output.logits.shape == (2, 3)
    assert output.alphas.shape == (2, 4, 6)
    torch.testing.assert_close(output.logits, network.cnn_transformer(clip))
    assert not torch.allclose(output.alphas[:, 0], output.alphas[:, 1])
    assert network(clip[:1, :1]).alphas.shape == (1, 1, 6)
