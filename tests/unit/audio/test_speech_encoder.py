from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch

from lightning_face.audio import SpeechEncoder, load_audio, normalize_waveform
from lightning_face.errors import DataError
from lightning_face.testing.research_data import research_file

transformers = pytest.importorskip("transformers")

TINY = SpeechEncoder.tiny().settings["config"]
RANDOM = {
    "hidden_dropout": 0.1,
    "attention_dropout": 0.1,
    "activation_dropout": 0.1,
    "layerdrop": 0.5,
    "apply_spec_augment": True,
}


def sound(samples=17_600, batch=1):
    return torch.randn(batch, samples, generator=torch.Generator().manual_seed(2))


def names(parameters):
    return {name for name, _ in parameters}


@pytest.mark.parametrize("architecture", ["hubert", "wav2vec2", "wavlm"])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"feat_extract_norm": "layer", "conv_bias": True},
        {"do_stable_layer_norm": True},
        {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "num_conv_pos_embeddings": 15},
    ],
)
def test_at_the_rate_of_the_features_it_is_the_network_of_the_library(architecture, config):
    family = {"hubert": "Hubert", "wav2vec2": "Wav2Vec2", "wavlm": "WavLM"}[architecture]
    encoder = SpeechEncoder({**TINY, **config}, architecture).eval()
    settings = getattr(transformers, f"{family}Config")(**(TINY | config))
    network = getattr(transformers, f"{family}Model")(settings).eval()
    network.load_state_dict(encoder.state_dict())
    waveform = sound(batch=2)
    with torch.inference_mode():
        expected = network(waveform).last_hidden_state
        torch.testing.assert_close(encoder(waveform, fps=None), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("fps", "frames"), [(30.0, 32), (25.0, 27), (60.0, 64), (None, 54)])
def test_frames_follow_the_rate(fps, frames):
    encoder = SpeechEncoder.tiny().eval()
    assert encoder(sound(), fps).shape == (1, frames, encoder.width)
    assert fps is None or encoder.num_frames(17_600, fps) == frames


def test_frames_can_be_imposed():
    assert SpeechEncoder.tiny().eval()(sound(), 30.0, num_frames=41).shape == (1, 41, 32)


def test_a_flat_recording_is_a_batch_of_one():
    encoder = SpeechEncoder.tiny().eval()
    torch.testing.assert_close(encoder(sound()[0]), encoder(sound()))


def test_recordings_of_a_batch_do_not_mix():
    encoder = SpeechEncoder.tiny().eval()
    waveforms = sound(batch=3) * torch.tensor([[0.5], [1.0], [2.0]])
    together = encoder(waveforms)
    for waveform, encoded in zip(waveforms, together, strict=True):
        torch.testing.assert_close(encoder(waveform)[0], encoded, atol=2e-5, rtol=1e-4)


def test_kept_features_give_the_same_frames():
    encoder = SpeechEncoder.tiny().eval()
    features = encoder.conv_features(sound())
    assert features.shape == (1, encoder.num_features(17_600), 16)
    torch.testing.assert_close(encoder.forward_features(features), encoder(sound()))


def test_settings_are_plain_and_build_the_same_encoder():
    encoder = SpeechEncoder({**TINY, **RANDOM}, "wavlm", freeze_feature_extractor=False)
    settings = json.loads(json.dumps(encoder.settings))
    again = SpeechEncoder(**settings)
    assert again.settings == encoder.settings
    again.load_state_dict(encoder.state_dict())


def test_no_settings_are_the_published_size():
    with torch.device("meta"):
        encoder = SpeechEncoder()
    assert encoder.settings["config"] == {}
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 94_371_712
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    assert sum(parameter.numel() for parameter in trained) == 90_171_264
    assert {
        "masked_spec_embed",
        "feature_extractor.conv_layers.6.conv.weight",
        "feature_projection.projection.bias",
        "encoder.pos_conv_embed.conv.bias",
        "encoder.layers.11.feed_forward.output_dense.weight",
    } <= set(encoder.state_dict())


def test_old_names_of_the_weight_normalisation_load():
    encoder = SpeechEncoder.tiny(0)
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in encoder.state_dict().items()
    }
    other = SpeechEncoder.tiny(1)
    other.load_state_dict(old)
    torch.testing.assert_close(other.eval()(sound()), encoder.eval()(sound()))


def test_tiny_follows_its_seed_and_no_other():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, third = (SpeechEncoder.tiny(seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["masked_spec_embed"], third["masked_spec_embed"])


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("augmented", [True, False])
def test_every_parameter_that_trains_has_a_gradient(frozen, augmented):
    torch.manual_seed(0)
    config = {**TINY, "apply_spec_augment": augmented}
    encoder = SpeechEncoder(config, freeze_feature_extractor=frozen).train()
    encoder(sound()).square().sum().backward()
    trained = {n: p for n, p in encoder.named_parameters() if p.requires_grad}
    assert all(p.grad is not None for p in trained.values())
    assert ("masked_spec_embed" in trained) == augmented
    assert any(name.startswith("feature_extractor") for name in trained) != frozen
    assert all(p.grad is None for name, p in encoder.named_parameters() if name not in trained)


def test_frozen_convolutions_keep_nothing_for_gradients():
    features = SpeechEncoder.tiny().train().conv_features(sound())
    assert not features.requires_grad
    assert SpeechEncoder(TINY, freeze_feature_extractor=False).conv_features(sound()).requires_grad


def test_training_is_random_and_evaluation_is_not():
    encoder = SpeechEncoder({**TINY, **RANDOM})
    assert not torch.equal(encoder.train()(sound()), encoder(sound()))
    assert torch.equal(encoder.eval()(sound()), encoder(sound()))


def test_without_randomness_training_is_evaluation():
    encoder = SpeechEncoder.tiny()
    torch.testing.assert_close(encoder.train()(sound()), encoder.eval()(sound()))


def test_hidden_frames_are_the_learned_vector():
    encoder = SpeechEncoder({**TINY, "apply_spec_augment": True, "num_hidden_layers": 0}).train()
    seen = []
    encoder.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    torch.manual_seed(0)
    encoder(sound())
    hidden = (seen[0] == encoder.masked_spec_embed).all(dim=-1)
    assert 10 < hidden.sum() <= 20
    plain = encoder.feature_projection(
        torch.nn.functional.interpolate(
            encoder.conv_features(sound()).mT, size=32, mode="linear", align_corners=True
        ).mT
    )
    torch.testing.assert_close(seen[0][~hidden], plain[~hidden])


def test_channels_are_hidden_where_it_is_asked_for():
    config = {"apply_spec_augment": True, "mask_time_prob": 0.0, "mask_feature_prob": 0.4}
    encoder = SpeechEncoder({**TINY, **config}).train()
    seen = []
    encoder.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    encoder(sound())
    hidden = (seen[0] == 0).all(dim=1).sum()
    assert 10 <= hidden < 32


def test_layers_are_dropped_by_the_step():
    encoder = SpeechEncoder({**TINY, "num_hidden_layers": 8, "layerdrop": 0.5}).train()
    outputs = {}
    for step in (0, 1, 0):
        encoder.begin_step(step)
        outputs.setdefault(step, []).append(encoder(sound()))
    assert torch.equal(*outputs[0])
    assert not torch.allclose(outputs[0][0], outputs[1][0])


@pytest.mark.parametrize(
    ("samples", "reason"),
    [(399, r"399 samples .* takes 400"), (500, "too short for a frame at 30.0 frames a second")],
)
def test_recordings_that_are_too_short_are_refused(samples, reason):
    with pytest.raises(DataError, match=reason):
        SpeechEncoder.tiny().eval()(sound(samples))


def test_recordings_shorter_than_a_mask_are_refused_in_training():
    encoder = SpeechEncoder({**TINY, "apply_spec_augment": True})
    with pytest.raises(DataError, match="9 frames is too short for training"):
        encoder.train()(sound(), num_frames=9)
    assert encoder.eval()(sound(), num_frames=9).shape == (1, 9, 32)


def test_it_can_be_copied_and_moved():
    encoder = SpeechEncoder({**TINY, **RANDOM}).eval()
    torch.testing.assert_close(copy.deepcopy(encoder)(sound()), encoder(sound()))
    assert encoder.double()(sound().double()).dtype == torch.float64


@pytest.mark.parametrize("precision", [torch.bfloat16])
def test_mixed_precision_is_close(precision):
    encoder = SpeechEncoder({**TINY, "apply_spec_augment": True}).train()
    with torch.autocast("cpu", precision):
        mixed = encoder(sound())
    mixed.float().square().mean().backward()
    encoder.eval()
    with torch.autocast("cpu", precision), torch.inference_mode():
        mixed = encoder(sound())
    torch.testing.assert_close(mixed.float(), encoder(sound()), atol=0.2, rtol=0.1)


def test_real_speech_moves_the_frames():
    path = research_file("heads/wav/demo_4s_16k.wav")
    if path is None:
        pytest.skip("the demonstration recording is not at hand")
    waveform = torch.from_numpy(normalize_waveform(load_audio(path)))
    encoder = SpeechEncoder.tiny().eval()
    with torch.inference_mode():
        frames = encoder(waveform)[0].numpy()
    assert frames.shape == (120, 32)
    assert np.isfinite(frames).all()
    assert frames.std(axis=0).mean() > 0.05
