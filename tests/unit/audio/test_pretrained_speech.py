from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.audio import SpeechEncoder
from lightning_face.audio.pretrained_speech import current_key, infer_config, read_pretrained
from lightning_face.errors import CheckpointError, ConfigError, WeightsError

transformers = pytest.importorskip("transformers")

SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "intermediate_size": 96,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
LARGE_STYLE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


def published_names(state_dict):
    """The names under which the files of the hub have the same tensors."""
    return {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in state_dict.items()
    }


def small_encoder(**config):
    torch.manual_seed(0)
    return SpeechEncoder({**SMALL, **config}).eval()


def output(encoder):
    waveform = torch.randn(1, 8_000, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return encoder.eval()(waveform)


def assert_same(first, second):
    torch.testing.assert_close(output(first), output(second), atol=0, rtol=0)


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("architecture", ["Hubert", "Wav2Vec2", "WavLM"])
def test_a_folder_of_the_library_is_read(tmp_path, file, architecture):
    torch.manual_seed(0)
    config = getattr(transformers, f"{architecture}Config")(**SMALL, **LARGE_STYLE)
    network = getattr(transformers, f"{architecture}Model")(config).eval()
    if file == "model.safetensors":
        network.save_pretrained(tmp_path)
    else:
        config.save_pretrained(tmp_path)
        torch.save(published_names(network.state_dict()), tmp_path / file)
    encoder = SpeechEncoder.from_pretrained(tmp_path).eval()
    assert encoder.settings["architecture"] == architecture.lower()
    waveform = torch.randn(1, 8_000)
    with torch.inference_mode():
        expected = network(waveform).last_hidden_state
        torch.testing.assert_close(encoder(waveform, fps=None), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("prefix", ["", "hubert.", "module.audio_encoder."])
@pytest.mark.parametrize("config", [{}, LARGE_STYLE])
def test_a_file_without_settings_is_read_by_its_shapes(tmp_path, prefix, config):
    encoder = small_encoder(**config)
    tensors = {prefix + n: t for n, t in published_names(encoder.state_dict()).items()}
    tensors["lm_head.weight"] = torch.zeros(3, 64)
    save_file(tensors, tmp_path / "weights.safetensors")
    assert_same(SpeechEncoder.from_pretrained(tmp_path / "weights.safetensors"), encoder)


def test_settings_replace_those_of_the_files(tmp_path):
    encoder = small_encoder()
    torch.save(encoder.state_dict(), tmp_path / "weights.bin")
    changed = SpeechEncoder.from_pretrained(
        tmp_path / "weights.bin", {"layerdrop": 0.0}, freeze_feature_extractor=False
    )
    assert changed.settings["config"]["layerdrop"] == 0.0
    assert all(parameter.requires_grad for parameter in changed.parameters())


def test_weights_are_loaded_into_an_encoder_with_settings_of_its_own(tmp_path):
    encoder = small_encoder()
    torch.save(published_names(encoder.state_dict()), tmp_path / "weights.bin")
    torch.manual_seed(1)
    other = SpeechEncoder({**SMALL, "hidden_dropout": 0.3})
    other.load_pretrained(tmp_path / "weights.bin")
    assert other.settings["config"]["hidden_dropout"] == 0.3
    assert_same(other, encoder)


def test_half_precision_files_become_single_precision(tmp_path):
    half = {name: tensor.half() for name, tensor in small_encoder().state_dict().items()}
    save_file(half, tmp_path / "weights.safetensors")
    encoder = SpeechEncoder.from_pretrained(tmp_path / "weights.safetensors")
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}


def test_a_file_without_the_mask_keeps_the_random_one(tmp_path):
    encoder = small_encoder()
    tensors = encoder.state_dict()
    del tensors["masked_spec_embed"]
    torch.save(tensors, tmp_path / "weights.bin")
    assert_same(SpeechEncoder.from_pretrained(tmp_path / "weights.bin"), encoder)


def test_a_name_of_the_hub_is_found_in_the_cache(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    snapshot = tmp_path / "models--lab--speech" / "snapshots" / "0123abcd"
    encoder = small_encoder()
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0123abcd")
    (snapshot / "config.json").write_text(json.dumps({**SMALL, "model_type": "hubert"}))
    save_file(encoder.state_dict(), snapshot / "model.safetensors")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub.file_download, "HF_HUB_CACHE", str(tmp_path), raising=False)
    assert_same(SpeechEncoder.from_pretrained("lab/speech"), encoder)


@pytest.mark.parametrize(
    "source", ["facebook/hubert-base-that-nobody-has", "weights/../gone", "/nowhere/at/all"]
)
def test_what_is_nowhere_is_said_with_where_to_get_it(source):
    with pytest.raises(WeightsError, match="hf download facebook/hubert-base-ls960") as caught:
        SpeechEncoder.from_pretrained(source)
    assert source in str(caught.value)


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights file: model\.safetensors or") as caught:
        read_pretrained(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_another_network_is_refused(tmp_path):
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other\.pt holds no HuBERT, Wav2Vec2 or WavLM"):
        read_pretrained(tmp_path / "other.pt")


def test_an_incomplete_file_is_refused(tmp_path):
    tensors = small_encoder().state_dict()
    del tensors["encoder.layers.1.layer_norm.bias"]
    torch.save(tensors, tmp_path / "weights.bin")
    with pytest.raises(WeightsError, match=r"weights\.bin: the file lacks 1 .*layer_norm\.bias"):
        SpeechEncoder.from_pretrained(tmp_path / "weights.bin")


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
        read_pretrained(tmp_path)


def test_another_size_is_refused(tmp_path):
    torch.save(small_encoder().state_dict(), tmp_path / "weights.bin")
    with pytest.raises(WeightsError, match=r"weights\.bin: .* has shape"):
        SpeechEncoder.tiny().load_pretrained(tmp_path / "weights.bin")


@pytest.mark.parametrize("content", ["{", "[]", '{"model_type": "bert"}'])
def test_settings_of_another_kind_are_refused(tmp_path, content):
    torch.save(small_encoder().state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=r"config\.json"):
        read_pretrained(tmp_path)


def test_a_width_that_nobody_published_needs_settings():
    with pytest.raises(WeightsError, match=r"width 32 .* config\.json"):
        infer_config(SpeechEncoder.tiny().state_dict())


def test_missing_parts_are_named():
    tensors = small_encoder().state_dict()
    del tensors["feature_projection.projection.weight"]
    with pytest.raises(WeightsError, match=r"lack feature_projection\.projection\.weight"):
        infer_config(tensors)


def test_the_published_size_is_read_off_its_shapes():
    with torch.device("meta"):
        encoder = SpeechEncoder()
    defaults = transformers.HubertConfig()
    for name, value in infer_config(encoder.state_dict()).items():
        expected = getattr(defaults, name)
        assert value == (list(expected) if isinstance(value, list) else expected), name


@pytest.mark.parametrize("prefix", ["", "audio_encoder."])
def test_only_the_weight_normalisation_is_renamed(prefix):
    names = published_names(small_encoder().state_dict())
    renamed = [current_key(prefix + name) for name in names]
    assert renamed == [prefix + name for name in small_encoder().state_dict()]
    assert current_key("decoder.conv.weight_g") == "decoder.conv.weight_g"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"architecture": "whisper"}, "hubert, wav2vec2, wavlm"),
        ({"config": {"hiden_size": 32}}, "no setting 'hiden_size'"),
        ({"config": {"conv_dim": [16] * 3}}, "conv"),
    ],
)
def test_wrong_settings_are_refused(arguments, reason):
    with pytest.raises(ConfigError, match=reason):
        SpeechEncoder(**arguments)
