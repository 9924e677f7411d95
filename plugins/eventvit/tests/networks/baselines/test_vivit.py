from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.networks.baselines import ViViT


def make(**settings) -> ViViT:
    torch.manual_seed(0)
    small = {
        "num_classes": 3,
        "image_size": 16,
        "num_frames": 6,
        "patch_size": 8,
        "dim": 16,
        "mlp_dim": 8,
        "channels": 1,
    }
    return ViViT(**small | settings).eval()


@torch.no_grad()
def test_smaller_clips_take_the_first_positions():
    small, large = make(image_size=16, num_frames=2), make(image_size=16, num_frames=6)
    weights = large.state_dict()
    weights["vivit.pos_embedding"] = weights["vivit.pos_embedding"][:, :2]
    small.load_state_dict(weights)
    clip = torch.rand(2, 2, 1, 16, 16)
    torch.testing.assert_close(small(clip), large(clip))
    assert large(clip[..., :8]).shape == (2, 3)


@torch.no_grad()
def test_order_of_the_frames_matters():
    network, clip = make(), torch.rand(1, 6, 1, 16, 16)
    assert not torch.allclose(network(clip), network(clip.flip(1)), atol=1e-4)


@pytest.mark.parametrize("frame_patch_size", [1, 2, 3])
@torch.no_grad()
def test_patches_may_span_frames(frame_patch_size):
    network = make(frame_patch_size=frame_patch_size)
    assert network.vivit.pos_embedding.shape == (1, 6 // frame_patch_size, 4, 16)
    assert network(torch.rand(2, 6, 1, 16, 16)).shape == (2, 3)


def test_heads_are_64_features_wide():
    network = make(heads=3)
    assert network.vivit.spatial_transformer.layers[0][0].to_qkv.weight.shape == (3 * 3 * 64, 16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 20}, "image_size 20 is no multiple of patch_size 8"),
        ({"image_size": 0}, "image_size 0"),
        ({"frame_patch_size": 4}, "num_frames 6 is no multiple of frame_patch_size 4"),
    ],
)
def test_parts_of_patches_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        make(**settings)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 6, 1, 20, 16), "20x16 are no multiple"),
        ((1, 3, 1, 16, 16), "a clip of 3 is no multiple"),
        ((1, 8, 1, 16, 16), "a clip of 8 frames .* more patches than the 3 times 4"),
        ((1, 6, 1, 24, 16), "24x16 has more patches"),
    ],
)
def test_clips_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(DataError, match=message):
        make(frame_patch_size=2)(torch.zeros(shape))
