from __future__ import annotations

import torch

from lightning_face_scantalk.networks.frame_decoder import FrameDecoder


def test_sum_of_two_parts_is_both_side_by_side(operators):
    torch.manual_seed(0)
    decoder = FrameDecoder(4, 6, 3, width=8, num_blocks=2).double().eval()
    for block in decoder.stack:
        torch.nn.init.uniform_(block.diffusion.times, 1e-5, 1e-2)
    exact = operators.to(dtype=torch.float64)
    features = torch.randn(exact.num_vertices, 4, dtype=torch.float64, requires_grad=True)
    latents = torch.randn(5, 6, dtype=torch.float64, requires_grad=True)

    both = torch.cat(
        [features[:, None].expand(-1, 5, -1), latents.expand(exact.num_vertices, -1, -1)], dim=-1
    )
    weights = torch.randn(exact.num_vertices, 5, 3, dtype=torch.float64)
    inputs = [features, latents, *decoder.parameters()]
    results = []
    for output in (decoder(both, exact), decoder.decode(decoder.prepare(features, exact), latents)):
        results.append([output, *torch.autograd.grad((output * weights).sum(), inputs)])
    for plain, separable in zip(*results, strict=True):
        torch.testing.assert_close(separable, plain, atol=1e-9, rtol=1e-7)
