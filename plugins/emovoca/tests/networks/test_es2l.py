import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.networks.es2l import ES2L

SPEECH = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def make(**settings):
    torch.manual_seed(0)
    defaults = {"feature_dim": 8, "num_layers": 2, "num_landmarks": 5, "speech_config": SPEECH}
    network = ES2L(**{**defaults, **settings})
    torch.nn.init.normal_(network.output_mapper.weight)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return make()


def speech(samples, batch=None):
    shape = (samples,) if batch is None else (batch, samples)
    return torch.randn(shape, generator=torch.Generator().manual_seed(samples))


@pytest.fixture
def conditions():
    return torch.eye(11)[[4, 2]], torch.eye(3)[[1, 0]], torch.randn(2, 15)


def test_the_untrained_network_does_not_move_the_face():
    network = ES2L(feature_dim=8, num_layers=2, speech_config=SPEECH).eval()
    template = torch.randn(1, 204)
    moved = network(speech(8000, 1), torch.eye(11)[:1], torch.eye(3)[:1], template)
    torch.testing.assert_close(moved, template.expand(1, moved.shape[1], 204))


@pytest.mark.parametrize(("samples", "frames"), [(64000, 238), (13000, 48), (9000, 32)])
def test_frames_follow_the_features_of_speech(network, samples, frames):
    assert network.num_frames(samples) == frames


@pytest.mark.parametrize("features", [205, 410, 820, 845, 1615, 1640, 1665, 1690])
def test_frames_are_rounded_in_double_precision(network, features):
    samples = 400 + 320 * (features - 1)
    assert network.audio_encoder.num_features(samples) == features
    assert network.num_frames(samples) == 6 * features // 5 - 1


def test_recordings_may_be_stretched(network, conditions):
    assert network(speech(8000, 2), *conditions, num_frames=33).shape == (2, 33, 15)


@torch.no_grad()
def test_conditions_may_change_from_frame_to_frame(network, conditions):
    emotion, intensity, template = conditions
    audio = speech(8000, 2)
    constant = network(audio, emotion, intensity, template)
    frames = constant.shape[1]
    repeated = network(
        audio,
        emotion[:, None].expand(-1, frames, -1),
        intensity[:, None].expand(-1, 1, -1),
        template[:, None],
    )
    torch.testing.assert_close(repeated, constant)
    changing = emotion[:, None].repeat(1, frames, 1)
    changing[:, frames // 2 :] = torch.eye(11)[7]
    assert (network(audio, changing, intensity, template) - constant).abs().max() > 1e-3


def test_as_many_conditions_as_frames_are_needed(network, conditions):
    emotion, intensity, template = conditions
    with pytest.raises(DataError, match="emotion is given for 7 frames of a recording of"):
        network(speech(8000, 2), emotion[:, None].expand(-1, 7, -1), intensity, template)


@torch.no_grad()
def test_recordings_of_several_lengths_are_as_alone(network, conditions):
    emotion, intensity, template = conditions
    audio = [speech(7000), speech(9000)]
    frames = [network.num_frames(len(each)) for each in audio]
    together = network.forward_batch(audio, emotion, intensity, template, frames)
    for index, found in enumerate(together):
        one = slice(index, index + 1)
        alone = network(audio[index][None], emotion[one], intensity[one], template[one])
        torch.testing.assert_close(found, alone[0], atol=1e-5, rtol=1e-4)


def test_a_batch_learns(network, conditions):
    emotion, intensity, template = conditions
    network = make().train()
    audio = [speech(7000), speech(9000)]
    moved = network.forward_batch(audio, emotion, intensity, template, [20, 30])
    sum(each.square().mean() for each in moved).backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and "audio_encoder.encoder.layers" not in name:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
        elif not parameter.requires_grad:
            assert "feature_extractor" in name


@torch.no_grad()
def test_a_short_recording_is_the_same_in_windows(network, conditions):
    emotion, intensity, template = conditions
    audio = speech(9000)
    whole = network(audio[None], emotion[:1], intensity[:1], template[:1])[0]
    windows = network.forward_long(audio, emotion[0], intensity[0], template[0])
    torch.testing.assert_close(windows, whole, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_long_recording_is_nearly_the_same_in_windows(network, conditions):
    emotion, intensity, template = conditions
    audio = speech(16000 * 40)
    whole = network(audio[None], emotion[:1], intensity[:1], template[:1])[0]
    windows = network.forward_long(audio, emotion[0], intensity[0], template[0])
    assert windows.shape == whole.shape
    moved = (whole - template[0]).std()
    assert (windows - whole).abs().mean() < 0.1 * moved


def test_too_short_recordings_are_refused(network, conditions):
    emotion, intensity, template = conditions
    with pytest.raises(DataError, match="too short"):
        network(speech(300, 1), emotion[:1], intensity[:1], template[:1])
    with pytest.raises(DataError, match="too short"):
        network.forward_long(speech(300), emotion[0], intensity[0], template[0])


def test_settings_make_the_same_network(network):
    again = ES2L(**network.settings)
    again.load_state_dict(network.state_dict())
    assert again.settings == network.settings


@pytest.mark.parametrize("name", ["num_emotions", "num_intensities", "num_layers", "feature_dim"])
def test_sizes_begin_at_1(name):
    with pytest.raises(ConfigError, match=name):
        make(**{name: 0})


def test_neutral_can_be_a_class(conditions):
    _, intensity, template = conditions
    network = make(num_emotions=12)
    assert network(speech(8000, 2), torch.eye(12)[-2:], intensity, template).isfinite().all()
