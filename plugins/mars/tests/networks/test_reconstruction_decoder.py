from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_mars.networks.reconstruction_decoder import ReconstructionDecoder


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    return ReconstructionDecoder(32, 48, depth=2, num_heads=4).eval()


@pytest.fixture
def tokens():
    return torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def words():
    return torch.randn(2, 5, 48, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_padding_is_seen_unless_there_is_a_mask(decoder, tokens, words):
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    changed = words.clone()
    changed[0, 3:] += 3
    assert not torch.allclose(decoder(tokens, words), decoder(tokens, changed))
    masked = decoder(tokens, words, mask)
    torch.testing.assert_close(masked, decoder(tokens, changed, mask))
    torch.testing.assert_close(masked[:1], decoder(tokens[:1], words[:1, :3]))


@torch.no_grad()
def test_tokens_see_each_other_and_the_text(decoder, tokens, words):
    before = decoder(tokens, words)
    other = tokens.clone()
    other[:, 8] *= -1
    assert (decoder(other, words)[:, 0] - before[:, 0]).abs().max() > 1e-4
    assert (decoder(tokens, words.flip(1)) - before).abs().max() < 1e-5


@torch.no_grad()
def test_norms_are_computed_in_single_precision(decoder, tokens, words):
    norm = decoder.blocks[0].norm1
    precise = norm(1000 + tokens.bfloat16().float())
    half = norm((1000 + tokens.bfloat16().float()).bfloat16())
    assert half.dtype == torch.bfloat16
    assert norm.bfloat16()(tokens.bfloat16()).dtype == torch.bfloat16
    assert precise.dtype == torch.float32


def test_projections_of_attention_have_no_bias(decoder):
    biased = {name for name in decoder.state_dict() if "attn" in name and name.endswith("bias")}
    assert biased == {
        f"blocks.{block}.attn{number}.to_out.0.bias" for block in (0, 1) for number in (1, 2)
    }


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="multiple"):
        ReconstructionDecoder(30, 48, num_heads=4)
