from __future__ import annotations

import pytest
import torch

from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.streaming import StreamingEventViT

SETTINGS = {"image_size": 8, "patch_size": 4, "num_classes": 5, "dim": 8, "depth": 2}
SETTINGS |= {"temporal_depth": 2, "heads": 2, "dim_head": 4}


@pytest.fixture
def frames():
    torch.manual_seed(1)
    return torch.randint(256, (9, 1, 8, 8), dtype=torch.uint8)


def make(**settings):
    torch.manual_seed(0)
    return EventViT(**SETTINGS, **settings)


def last_frames(frames, count):
    padding = frames.new_zeros(max(count - len(frames), 0), *frames.shape[1:])
    return torch.cat([padding, frames[-count:]])[None]


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("temporal_pos", ["none", "learned", "rope"])
@pytest.mark.parametrize("mask_padding", [False, True])
def test_every_prediction_is_that_of_the_last_frames(frames, pool, temporal_pos, mask_padding):
    network = make(pool=pool, temporal_pos=temporal_pos)
    if temporal_pos != "none":
        torch.nn.init.normal_(next(network.temporal_position.parameters()))
    stream = StreamingEventViT(network, num_frames=4, mask_padding=mask_padding)
    for end in range(1, len(frames) + 1):
        valid = torch.arange(4)[None] >= 4 - end if mask_padding else None
        with torch.no_grad():
            expected = network(last_frames(frames[:end], 4), valid)[0]
        torch.testing.assert_close(stream.push(frames[end - 1]), expected, atol=1e-5, rtol=1e-5)


def test_a_frame_is_encoded_once(frames, monkeypatch):
    network = make()
    encoded = []
    encode = network._encode
    monkeypatch.setattr(network, "_encode", lambda part: encoded.append(len(part)) or encode(part))
    stream = StreamingEventViT(network, num_frames=4)
    for frame in frames:
        stream.push(frame)
    # the padding is one frame more
    assert sum(encoded) == len(frames) + 1


def test_a_new_recording_starts_without_memory(frames):
    stream = StreamingEventViT(make(), num_frames=4)
    first = [stream.push(frame) for frame in frames[:3]]
    stream.reset()
    again = [stream.push(frame) for frame in frames[:3]]
    torch.testing.assert_close(again, first)


def test_dropout_is_off():
    assert not StreamingEventViT(make().train()).network.training
