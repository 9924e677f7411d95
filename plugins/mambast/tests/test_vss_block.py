from __future__ import annotations

import torch

from lightning_face_mambast.vss_block import VSSBlock


def test_output_is_normalised_sum_of_scaled_input_and_scan():
    torch.manual_seed(0)
    block = VSSBlock(16, d_state=2)
    block.skip_scale.data.uniform_(0.5, 2)
    x = torch.randn(2, 3, 4, 16)
    with torch.no_grad():
        expected = block.norm(x * block.skip_scale + block.ss2d(block.ln_1(x)))
        torch.testing.assert_close(block(x), expected)


def test_style_is_not_normalised():
    torch.manual_seed(0)
    block = VSSBlock(16, d_state=2, cross=True)
    x, style = torch.randn(2, 1, 3, 4, 16)
    with torch.no_grad():
        assert not torch.allclose(block(x, style), block(x, 3 * style), atol=1e-2)
        # content is, so its scale only shows in the residual
        block.skip_scale.data.zero_()
        torch.testing.assert_close(block(x, style), block(3 * x, style), rtol=1e-3, atol=1e-4)


def test_drop_path_leaves_whole_samples_out_in_training_only():
    torch.manual_seed(0)
    block = VSSBlock(16, d_state=2, drop_path=0.5)
    x = torch.randn(1, 3, 4, 16).expand(64, -1, -1, -1)
    with torch.no_grad():
        dropped = block.norm(x * block.skip_scale)
        kept = block.norm(x * block.skip_scale + block.ss2d(block.ln_1(x)) / 0.5)
        out = block(x)
        is_dropped = (out - dropped).abs().amax(dim=(1, 2, 3)) < 1e-5
        is_kept = (out - kept).abs().amax(dim=(1, 2, 3)) < 1e-5
        assert (is_dropped ^ is_kept).all()
        assert 16 < is_dropped.sum() < 48
        block.eval()
        torch.testing.assert_close(block(x)[0], block(x[:1])[0])


def test_the_published_second_scale_is_kept_but_not_trained():
    block = VSSBlock(16, d_state=2)
    assert not block.skip_scale2.requires_grad
    assert "skip_scale2" in block.state_dict()
