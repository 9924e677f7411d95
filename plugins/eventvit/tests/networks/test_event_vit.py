from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.event_vit import EventViT

SETTINGS = {"patch_size": 4, "num_classes": 5, "dim": 8, "depth": 2, "temporal_depth": 2}
SETTINGS |= {"image_size": 12, "heads": 2, "mlp_dim": 6, "dim_head": 4, "dropout": 0.0}


def make(**settings):
    torch.manual_seed(0)
    return EventViT(**{**SETTINGS, "emb_dropout": 0.0, **settings}).double().eval()


def random_clip(batch=2, frames=3, channels=1, size=(12, 12)):
    return torch.rand(batch, frames, channels, *size, dtype=torch.float64)


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize(
    ("settings", "clip"),
    [
        ({}, {}),
        ({"channels": 3, "dim_head": 8}, {"channels": 3}),
        ({"heads": 1, "dim_head": 8}, {"frames": 1}),
        ({"image_size": (8, 16)}, {"size": (8, 16)}),
        ({"depth": 1, "temporal_depth": 1}, {"size": (4, 8), "batch": 1}),
        ({}, {"size": (4, 4)}),
        ({"image_size": 16}, {"size": (8, 24)}),
    ],
    ids=["small", "joined maps", "one head", "not square", "smaller", "one patch", "other shape"],
)
def test_scores_and_gradients_are_the_papers(paper, settings, clip, pool):
    network = make(**settings, pool=pool)
    clip = random_clip(**clip).requires_grad_()
    leaves = [clip, *network.parameters()]
    scores = [network(clip), paper.classify(network, clip)]
    torch.testing.assert_close(*scores)
    found, wanted = (
        torch.autograd.grad(each.sin().sum(), leaves, allow_unused=True) for each in scores
    )
    names = ["clip", *(name for name, _ in network.named_parameters())]
    for name, ours, theirs in zip(names, found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


@pytest.mark.parametrize(
    ("channels", "pool", "parameters", "tensors"),
    [(1, "cls", 659_484, 105), (3, "cls", 828_444, 105), (4, "cls", 912_924, 105),
     (1, "mean", 659_420, 104)],
)  # fmt: skip
def test_sizes_are_the_published_ones(channels, pool, parameters, tensors):
    with torch.device("meta"):
        network = EventViT(channels=channels, pool=pool)
    assert sum(each.numel() for each in network.parameters()) == parameters
    assert len(network.state_dict()) == tensors


def test_start_values():
    torch.manual_seed(0)
    network = EventViT()
    assert network.pos_embedding.std().item() == pytest.approx(1, abs=0.05)
    layer = network.spatial_transformer.blocks[0].attention
    assert layer.temperature.item() == pytest.approx(-2.0794, abs=1e-4)
    assert layer.to_qkv.weight.abs().max().item() == pytest.approx(64**-0.5, rel=0.01)


def test_bytes_are_grey_levels():
    network = make()
    clip = torch.randint(256, (1, 3, 1, 12, 12), dtype=torch.uint8)
    torch.testing.assert_close(network(clip), network(clip.double() / 255))


@pytest.mark.parametrize("padding", [0, 1, 2, 5])
def test_padding_is_computed_once_and_counts_as_frames(monkeypatch, paper, padding):
    network = make()
    clip = random_clip(batch=2, frames=5)
    clip[:, :padding] = 0
    encoded = []
    encode = network._encode
    monkeypatch.setattr(network, "_encode", lambda part: encoded.append(len(part)) or encode(part))
    torch.testing.assert_close(network(clip), paper.classify(network, clip))
    assert sum(encoded) == 10 - max(2 * padding - 1, 0)


def test_frames_beyond_one_chunk_are_all_encoded(paper):
    network = make()
    clip = random_clip(batch=3, frames=9)
    torch.testing.assert_close(network.frame_tokens(clip), paper.frame_tokens(network, clip))


def test_gradients_of_equal_frames_stay_with_their_frames(paper):
    network = make()
    clip = torch.zeros(1, 3, 1, 12, 12, dtype=torch.float64, requires_grad=True)
    weights = torch.arange(1.0, 4)[None, :, None]
    found, wanted = (
        torch.autograd.grad((tokens * weights).sum(), clip)[0]
        for tokens in (network.frame_tokens(clip), paper.frame_tokens(network, clip))
    )
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("training", [False, True])
def test_frames_that_are_not_valid_have_no_effect(training):
    network = make().train(training)
    clip, other = random_clip(), random_clip()
    valid = torch.tensor([[False, True, True], [True, False, True]])
    other[valid] = clip[valid]
    torch.testing.assert_close(network(clip, valid), network(other, valid))
    tokens = network.frame_tokens(clip, valid)
    assert (tokens[~valid] == 0).all()
    torch.testing.assert_close(tokens[valid], network.frame_tokens(clip)[valid])


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_a_clip_of_padding_alone_has_finite_scores_and_gradients(pool):
    network = make(pool=pool).train()
    clip = random_clip()
    scores = network(clip, torch.zeros(2, 3, dtype=torch.bool))
    scores.square().sum().backward()
    assert scores.isfinite().all()
    assert all(
        each.grad is not None and each.grad.isfinite().all() for each in network.parameters()
    )


def test_no_head_leaves_the_features():
    network = make(num_classes=0)
    clip = random_clip()
    torch.testing.assert_close(network(clip), network.features(clip))
    assert not any(name.startswith("mlp_head") for name in network.state_dict())


def test_half_precision_stays_near():
    network, clip = make(image_size=16, dim=32, dim_head=32).float(), random_clip(size=(16, 16))
    exact = network(clip.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        error = network(clip.float()) - exact
    assert error.abs().max() < 0.05


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_a_traced_network_is_the_same_for_every_content(pool):
    network = make(pool=pool)
    clip = random_clip()
    exported = torch.export.export(network, (clip,)).module()
    for frames in (clip, random_clip(), torch.zeros_like(clip)):
        torch.testing.assert_close(exported(frames), network(frames))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 10}, "image_size 10x10 is no multiple of patch_size 4"),
        ({"image_size": (12, 10)}, "12x10"),
        ({"pool": "max"}, "pool is cls or mean, not 'max'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        make(**settings)


def test_larger_frames_are_refused():
    with pytest.raises(DataError, match=r"16x12 pixels are larger.*9 patches of 4 pixels"):
        make()(random_clip(size=(16, 12)))
