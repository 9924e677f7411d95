from __future__ import annotations

import pytest
import torch

from lightning_face_mambast.color_preservation import keep_colors, match_colors

LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def test_result_has_the_brightness_of_one_and_the_colors_of_the_other():
    stylized, content = torch.rand(2, 3, 8, 9), torch.rand(2, 3, 8, 9)
    kept = keep_colors(stylized, content)
    torch.testing.assert_close((kept * LUMA).sum(1), (stylized * LUMA).sum(1))
    torch.testing.assert_close(kept - kept[:, :1], content - content[:, :1])


def test_matched_style_has_the_statistics_of_the_content():
    torch.manual_seed(0)
    mixing = torch.tensor([[0.1, 0.05, 0.0], [0.0, 0.08, 0.02], [0.03, 0.0, 0.06]])
    content = (0.5 + mixing @ torch.rand(3, 600) - 0.1).view(1, 3, 20, 30)
    style = 0.4 + 0.3 * torch.rand(1, 3, 12, 14)
    matched = match_colors(style, content)
    assert matched.shape == style.shape
    torch.testing.assert_close(
        matched.mean(dim=(2, 3)), content.mean(dim=(2, 3)), atol=1e-3, rtol=0
    )
    torch.testing.assert_close(
        matched.flatten(2)[0].cov(), content.flatten(2)[0].cov(), atol=1e-4, rtol=0.02
    )


@pytest.mark.parametrize("which", ["style", "content"])
def test_pictures_of_one_color_are_no_problem(which):
    flat, varied = torch.full((1, 3, 8, 8), 0.5), torch.rand(1, 3, 8, 8)
    matched = match_colors(flat, varied) if which == "style" else match_colors(varied, flat)
    assert matched.isfinite().all()
    assert matched.min() >= 0
    assert matched.max() <= 1
