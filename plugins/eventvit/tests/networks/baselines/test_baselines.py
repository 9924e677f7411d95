"""What holds for every baseline."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lightning_face.errors import DataError
from lightning_face_eventvit.networks.baselines import BASELINES, REFERENCE_NAMES

SETTINGS = {
    "cnn-transformer": {"hidden_dim": 16},
    "cnn-transformer-alpha": {"hidden_dim": 16},
    "two-stream-cnn": {"hidden_dim": 16},
    "alpha-transformer": {},
    "alpha-lstm": {"hidden_dim": 16},
    "cnn-lstm": {"hidden_dim": 16},
    "vivit": {
        "image_size": 16,
        "num_frames": 4,
        "patch_size": 8,
        "dim": 16,
        "mlp_dim": 8,
        "heads": 1,
        "channels": 1,
    },
    "encoder-decoder": {"num_frames": 4, "dim": 16, "mlp_dim": 8},
    "resnet-lstm": {"hidden_dim": 16},
    "two-stream-resnet": {"hidden_dim": 16, "mlp_dim": 8},
}
SIDES = {"cnn-lstm": 360, "vivit": 16, "resnet-lstm": 40, "two-stream-resnet": 40}


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    return BASELINES[name](num_classes=5, **SETTINGS[name]).eval()


def make_inputs(name: str, batch: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    side = SIDES.get(name, 224)
    inputs = []
    for kind in BASELINES[name].inputs:
        shape = (batch, 4, 3 if kind == "rgb" else 1, side, side)
        if kind == "alpha":
            inputs.append(torch.randn(batch, 4, 32, generator=generator))
        else:
            inputs.append(torch.randint(256, shape, dtype=torch.uint8, generator=generator))
    return inputs


def logits_of(output: Tensor | tuple) -> Tensor:
    return output[0] if isinstance(output, tuple) else output


def test_every_published_class_has_a_network():
    assert sorted(REFERENCE_NAMES.values()) == sorted(BASELINES)


@pytest.mark.parametrize("name", BASELINES)
@torch.no_grad()
def test_a_clip_gets_the_same_logits_alone_and_in_a_batch(name):
    network, inputs = make(name), make_inputs(name, 2)
    together = logits_of(network(*inputs))
    alone = logits_of(network(*(each[:1] for each in inputs)))
    assert together.shape == (2, 5)
    assert alone.shape == (1, 5)
    torch.testing.assert_close(alone, together[:1], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in BASELINES if not name.startswith("alpha")])
@torch.no_grad()
def test_bytes_are_grey_levels_over_255(name):
    network, inputs = make(name), make_inputs(name, 1)
    expected = logits_of(network(*(each.float() / 255 for each in inputs)))
    torch.testing.assert_close(logits_of(network(*inputs)), expected)


@pytest.mark.parametrize("name", BASELINES)
def test_every_parameter_is_used(name):
    network = make(name).train()
    output = network(*make_inputs(name, 2))
    loss = sum(each.square().sum() for each in (output if isinstance(output, tuple) else [output]))
    loss.backward()
    unused = [key for key, each in network.named_parameters() if each.grad is None]
    assert unused == []


@pytest.mark.parametrize("name", [name for name in BASELINES if not name.startswith("alpha")])
def test_frames_of_other_channels_are_refused(name):
    inputs = [each.expand(-1, -1, 3, -1, -1)[:, :, :2] for each in make_inputs(name, 1)]
    with pytest.raises(DataError, match=r"channels|1 or 3"):
        make(name)(*inputs)


@pytest.mark.parametrize("name", [name for name in BASELINES if not name.startswith("alpha")])
def test_what_is_no_clip_is_refused(name):
    with pytest.raises(DataError, match=r"batch, frames, .*shape \(4, 1, "):
        make(name)(*(each[0] for each in make_inputs(name, 1)))


@pytest.mark.parametrize("name", ["resnet-lstm", "encoder-decoder"])
@torch.no_grad()
def test_frames_of_any_size_are_resized_by_taking_the_nearest_pixel(name):
    network = make(name)
    clip = torch.rand(1, 4, 1, 112, 56, generator=torch.Generator().manual_seed(2))
    enlarged = clip.repeat_interleave(2, 3).repeat_interleave(4, 4)
    assert enlarged.shape[3:] == (224, 224)
    torch.testing.assert_close(network(clip), network(enlarged))
