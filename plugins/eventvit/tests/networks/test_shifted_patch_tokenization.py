from __future__ import annotations

import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_eventvit.networks.shifted_patch_tokenization import ShiftedPatchTokenizer


def make(dim=6, patch_size=4, channels=2, dtype=torch.float64):
    torch.manual_seed(0)
    tokenizer = ShiftedPatchTokenizer(dim, patch_size, channels).to(dtype)
    for parameter in tokenizer.parameters():
        torch.nn.init.normal_(parameter)
    return tokenizer


@pytest.mark.parametrize(
    ("patch_size", "channels", "size"),
    [(4, 2, (8, 12)), (4, 1, (4, 4)), (5, 3, (15, 5)), (1, 2, (3, 2)), (2, 4, (2, 6))],
)
def test_tokens_are_those_of_five_shifted_copies(paper, patch_size, channels, size):
    tokenizer = make(patch_size=patch_size, channels=channels)
    clip = torch.rand(2, 3, channels, *size, dtype=torch.float64)
    torch.testing.assert_close(tokenizer(clip), paper.tokenize(tokenizer, clip))


def test_gradients_are_those_of_five_shifted_copies(paper):
    tokenizer = make()
    clip = torch.rand(1, 2, 2, 8, 4, dtype=torch.float64, requires_grad=True)
    leaves = [clip, *tokenizer.parameters()]
    found, wanted = (
        torch.autograd.grad(tokens.sin().sum(), leaves)
        for tokens in (tokenizer(clip), paper.tokenize(tokenizer, clip))
    )
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("level", [37, 126, 255])
@pytest.mark.parametrize("event", [None, (0, 0), (8, 8), (31, 16)])
def test_patches_of_one_colour_are_as_exact_as_others(paper, level, event):
    tokenizer = make(dim=16, patch_size=16, channels=1, dtype=torch.float32)
    clip = torch.full((1, 1, 1, 48, 48), level)
    if event is not None:
        clip[..., event[0], event[1]] = 0
    exact = paper.tokenize(tokenizer.double(), clip.double() / 255)
    error = tokenizer.float()(clip.float() / 255) - exact
    assert error.abs().max() < 1e-5 * exact.abs().max()


def test_autocast_keeps_the_moments_in_full_precision():
    tokenizer = make(dim=16, patch_size=8, channels=1, dtype=torch.float32)
    clip = 0.6 + 0.01 * torch.rand(1, 2, 1, 16, 16)
    exact = tokenizer(clip)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        error = tokenizer(clip) - exact
    assert error.abs().max() < 0.02 * exact.abs().max()


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 8, 8), "1 channels, the network takes 2"), ((2, 8, 10), "8x10 pixels.*4 pixels")],
)
def test_frames_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(DataError, match=message):
        make()(torch.rand(1, 1, *shape, dtype=torch.float64))
