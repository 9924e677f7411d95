from __future__ import annotations

import pytest
import torch
from lightning.pytorch.utilities import move_data_to_device

from lightning_face.audio.speech_encoder import SpeechEncoder
from lightning_face.errors import ConfigError
from lightning_face_scantalk.networks.mesh_operators import MeshOperators
from lightning_face_scantalk.networks.scantalk import ScanTalk, fast_chunk


def gradients(network, loss):
    network.zero_grad()
    loss.backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
    }


def test_published_size():
    with torch.device("meta"):
        network = ScanTalk(SpeechEncoder())
    count = {
        name: sum(each.numel() for each in part.parameters())
        for name, part in network.named_children()
    }
    assert count == {
        "audio_encoder": 94_371_712,
        "audio_embedding": 24_608,
        "lstm": 19_200,
        "encoder": 30_368,
        "decoder": 31_363,
    }
    trainable = sum(each.numel() for each in network.parameters() if each.requires_grad)
    # the published count takes in no part that training leaves alone but the convolutions
    assert trainable == 90_276_803


def test_untrained_network_leaves_the_face_neutral(head, speech):
    network = ScanTalk(SpeechEncoder.tiny(), latent_channels=8).eval()
    assert torch.equal(network.predict(speech, *head), head[0].expand(14, -1, -1))


@pytest.mark.parametrize(("fps", "frames"), [(30.0, 14), (25.0, 12), (60.0, 28), (None, 24)])
def test_as_many_frames_as_the_speech_lasts(network, head, speech, fps, frames):
    animated = network.predict(speech, *head, fps=fps)
    assert animated.shape == (frames, 162, 3)
    assert not animated.requires_grad
    motion = animated - head[0]
    assert motion.abs().max() > 1e-2
    assert not torch.allclose(motion[0], motion[frames // 2], atol=1e-3)


def test_waveform_with_a_batch_axis(network, head, speech):
    torch.testing.assert_close(network.predict(speech[None], *head), network.predict(speech, *head))


@pytest.mark.parametrize("chunk_frames", [1, 4, 14])
def test_frames_do_not_depend_on_how_many_are_computed_at_once(network, head, speech, chunk_frames):
    with torch.no_grad():
        features = network.encode_mesh(*head)
        latents = network.encode_speech(speech, num_frames=14)
        chunks = list(network.decode(features, latents, head[1], chunk_frames))
    assert [len(chunk) for chunk in chunks[:-1]] == [chunk_frames] * (len(chunks) - 1)
    expected = network.predict(speech, *head)
    torch.testing.assert_close(head[0] + torch.cat(chunks), expected, atol=1e-6, rtol=1e-6)


def test_chunks_get_shorter_on_larger_meshes():
    sizes = [fast_chunk(torch.empty(size, 32, device="meta")) for size in (100, 5_000, 50_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1


def test_another_signal_in_the_place_of_coordinates(head, speech):
    torch.manual_seed(0)
    network = ScanTalk(SpeechEncoder.tiny(), latent_channels=8, in_channels=5).eval()
    torch.nn.init.normal_(network.decoder.last_lin.weight)
    signal = torch.rand(162, 5)
    first = network.predict(speech, *head, signal=signal)
    second = network(speech, *head, num_frames=14, signal=signal)
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, network.predict(speech, *head, signal=signal.flip(0)))


def test_sequences_of_one_mesh_share_the_work(network, head, other_head, speech):
    calls = []
    network.encoder.register_forward_hook(lambda *_: calls.append(1))
    meshes = [head, other_head, head]
    waveforms = [speech, speech.flip(0), speech[:4000]]
    frames = [6, 4, 3]
    with torch.no_grad():
        together = network.forward_batch(waveforms, *zip(*meshes, strict=True), frames)
        assert len(calls) == 2
        for mesh, waveform, count, result in zip(meshes, waveforms, frames, together, strict=True):
            expected = network(waveform, *mesh, num_frames=count)
            torch.testing.assert_close(result, expected, atol=1e-6, rtol=1e-5)


def test_prepared_operators_are_the_same(network, head, operators, speech):
    prepared = network.predict(speech, head[0], operators)
    assert torch.equal(prepared, network.predict(speech, *head))


def test_checkpointing_changes_no_gradient(network, head, operators, speech):
    network.train()
    results = []
    for checkpointing in (False, True):
        network.gradient_checkpointing = checkpointing
        animated = network(speech, head[0], operators, num_frames=6)
        results.append(gradients(network, animated.square().sum()))
    assert results[0].keys() == results[1].keys()
    for name, plain in results[0].items():
        torch.testing.assert_close(results[1][name], plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_every_trained_parameter_has_a_part_in_training(network, head, speech, precision):
    network.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        animated = network(speech, *head, num_frames=12)
    found = gradients(network, animated.square().sum())
    trained = {name for name, each in network.named_parameters() if each.requires_grad}
    assert found.keys() == trained
    assert all(gradient.isfinite().all() for gradient in found.values())


def test_evaluation_changes_nothing(network, head, speech):
    network.decoder.stack[0].diffusion.times.data.fill_(-1.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.predict(speech, *head)
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_channels": 7}, "latent_channels is even"),
        ({"lstm_layers": 0}, "not 0 and 4"),
        ({"num_blocks": 0}, "not 3 and 0"),
    ],
)
def test_impossible_sizes(settings, message):
    with pytest.raises(ConfigError, match=message):
        ScanTalk(SpeechEncoder.tiny(), **settings)


def test_operators_move_with_a_lightning_batch(operators):
    moved = move_data_to_device({"operators": [operators]}, torch.device("meta"))
    assert isinstance(moved["operators"][0], MeshOperators)
    assert moved["operators"][0].mass.is_meta
