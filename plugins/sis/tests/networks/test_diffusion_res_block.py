from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face_sis.networks.conditioning import Conditioning
from lightning_face_sis.networks.diffusion_res_block import DiffusionResBlock, SPADEResBlock
from lightning_face_sis.networks.label_pyramid import LabelPyramid


@pytest.fixture
def conditioning():
    draw = torch.Generator().manual_seed(1)
    return Conditioning(LabelPyramid(torch.randint(3, (2, 1, 32, 32), generator=draw), 3))


def block(kind, channels, out=None, **settings):
    if kind == "spade":
        return SPADEResBlock(channels, 12, 3, out, **settings)
    return DiffusionResBlock(channels, 12, out, **settings)


def run(layer, features, embedding, conditioning):
    extra = (conditioning,) if isinstance(layer, SPADEResBlock) else ()
    return layer(features, embedding, *extra)


def normalise(layer, which, features, conditioning):
    """One of the two norms by itself."""
    if not isinstance(layer, SPADEResBlock):
        return (layer.in_layers if which == "in" else layer.out_layers)[0](features)
    norm = layer.in_norm if which == "in" else layer.out_norm
    return norm(features, conditioning.modulation(norm, tuple(features.shape[2:])))


@pytest.mark.parametrize("kind", ["plain", "spade"])
def test_a_new_block_is_its_skip_connection(kind, conditioning):
    features, embedding = torch.randn(2, 32, 8, 8), torch.randn(2, 12)
    same = block(kind, 32)
    torch.testing.assert_close(run(same, features, embedding, conditioning), features)
    wider = block(kind, 32, 64)
    out = run(wider, features, embedding, conditioning)
    torch.testing.assert_close(out, wider.skip_connection(features))


@torch.no_grad()
@pytest.mark.parametrize("scale_shift", [False, True])
@pytest.mark.parametrize("resampling", [None, "up", "down"])
@pytest.mark.parametrize("kind", ["plain", "spade"])
def test_a_block_is_made_of_the_steps_of_the_paper(
    drawn, conditioning, kind, resampling, scale_shift
):
    layer = drawn(block(kind, 32, 64, use_scale_shift_norm=scale_shift, resampling=resampling))
    features, embedding = torch.randn(2, 32, 8, 8), torch.randn(2, 12)
    change = {
        None: lambda x: x,
        "up": lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
        "down": lambda x: F.avg_pool2d(x, 2),
    }[resampling]
    hidden = change(F.silu(normalise(layer, "in", features, conditioning)))
    hidden = layer.in_layers[-1](hidden)
    time = layer.emb_layers(embedding)[:, :, None, None]
    if scale_shift:
        scale, shift = time.chunk(2, dim=1)
        hidden = normalise(layer, "out", hidden, conditioning) * (1 + scale) + shift
    else:
        hidden = normalise(layer, "out", hidden + time, conditioning)
    expected = layer.skip_connection(change(features)) + layer.out_layers[-1](F.silu(hidden))
    torch.testing.assert_close(run(layer, features, embedding, conditioning), expected)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("plain", {"in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3"}),
        ("spade", {"in_layers.1", "emb_layers.1", "out_layers.2"}),
    ],
)
def test_weights_have_their_published_names(kind, names):
    keys = {name.rsplit(".", 1)[0] for name in block(kind, 32, 64).state_dict()}
    parts = ("mlp_shared.0", "mlp_gamma", "mlp_beta")
    norms = {f"{side}_norm.{part}" for side in ("in", "out") for part in parts}
    assert keys == names | {"skip_connection"} | (norms if kind == "spade" else set())


@pytest.mark.parametrize("kind", ["plain", "spade"])
def test_dropout_acts_in_training_only(drawn, conditioning, kind):
    layer = drawn(block(kind, 32, dropout=0.5))
    given = torch.randn(2, 32, 8, 8), torch.randn(2, 12), conditioning
    torch.testing.assert_close(run(layer, *given), run(layer, *given))
    layer.train()
    assert (run(layer, *given) - run(layer, *given)).abs().max() > 0.1
