from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.audio.speech_encoder import SpeechEncoder
from lightning_face.checkpoint.load import load
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, ConfigError, WeightsError
from lightning_face_scantalk.importer import (
    build_scantalk,
    export_reference,
    import_scantalk,
    infer_settings,
    load_published,
    network_state_dict,
    published_name,
)
from lightning_face_scantalk.networks.scantalk import ScanTalk

# a head of 64 channels, as the published encoders have twelve of
SPEECH = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1}
SPEECH |= {"intermediate_size": 32, "conv_dim": [8] * 7}
SPEECH |= {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
SETTINGS = {"latent_channels": 8, "lstm_layers": 2, "num_blocks": 3}


def filled(network):
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return network.eval()


@pytest.fixture
def network():
    return filled(ScanTalk(SpeechEncoder(SPEECH), **SETTINGS))


@pytest.fixture
def published(network):
    """Tensors by the names of the published code."""
    return export_reference(network.state_dict())


def write(tensors, path, layout):
    if layout == "training checkpoint":
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
        optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
        optimizer.step()
        state = {"epoch": 3, "autoencoder_state_dict": tensors}
        torch.save({**state, "optimizer_state_dict": optimizer.state_dict()}, path)
    elif layout == "distributed":
        torch.save({"state_dict": {f"module.{key}": value for key, value in tensors.items()}}, path)
    elif layout == "distributed training checkpoint":
        inner = {f"module.{key}": value for key, value in tensors.items()}
        torch.save({"epoch": 3, "autoencoder_state_dict": inner}, path)
    else:
        torch.save(tensors, path)
    return path


LAYOUTS = [
    "training checkpoint",
    "distributed training checkpoint",
    "distributed",
    "state dict",
]


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(network, published, tmp_path, layout):
    path = write(published, tmp_path / "scantalk_mse.pth.tar", layout)
    imported = import_scantalk(path)
    assert_same(
        imported.state_dict,
        {f"network.{key}": value for key, value in network.state_dict().items()},
    )
    assert not imported.report.missing
    assert not imported.report.ignored
    assert len(imported.report.mapped) == len(published)


def test_safetensors(network, published, tmp_path):
    save_file(
        {key: value.contiguous() for key, value in published.items()}, tmp_path / "a.safetensors"
    )
    assert_same(load_published(tmp_path / "a.safetensors").state_dict(), network.state_dict())


def test_settings_are_read_off_the_shapes(published, tmp_path):
    imported = import_scantalk(write(published, tmp_path / "a.pth", "state dict"))
    assert imported.class_path.endswith("ScanTalkModule")
    speech = imported.init_args.pop("speech_config")
    assert imported.init_args == {**SETTINGS, "speech_architecture": "hubert"}
    assert {name: speech[name] for name in SPEECH} == SPEECH


def test_published_names_and_sizes():
    with torch.device("meta"):
        network = ScanTalk(SpeechEncoder())
    tensors = export_reference(network.state_dict())
    assert len(tensors) == 317
    settings = infer_settings(tensors)
    assert settings == {
        "latent_channels": 32,
        "in_channels": 3,
        "out_channels": 3,
        "lstm_layers": 3,
        "num_blocks": 4,
        "speech_config": {},
        "speech_architecture": "hubert",
    }
    shapes = {
        "audio_encoder.encoder.pos_conv_embed.conv.weight_g": (1, 1, 128),
        "audio_encoder.encoder.pos_conv_embed.conv.weight_v": (768, 48, 128),
        "encoder.block_3.diffusion.diffusion_time": (32,),
        "decoder.block_0.gradient_features.A_im.weight": (32, 32),
        "decoder.block_0.mlp.miniMLP_mlp_layer_000.weight": (32, 96),
        "decoder.block_0.mlp.miniMLP_mlp_layer_002.bias": (32,),
        "decoder.first_lin.weight": (32, 64),
        "lstm.weight_hh_l2_reverse": (64, 16),
    }
    assert {name: tuple(tensors[name].shape) for name in shapes} == shapes
    assert all(published_name(name) == name for name in tensors)


def test_our_own_names_are_read_as_well(network, tmp_path):
    path = write(network.state_dict(), tmp_path / "a.pth", "state dict")
    assert_same(load_published(path).state_dict(), network.state_dict())


def test_encoders_of_other_widths_need_their_settings(tmp_path):
    network = filled(ScanTalk(SpeechEncoder.tiny(), **SETTINGS))
    path = write(export_reference(network.state_dict()), tmp_path / "a.pth", "state dict")
    with pytest.raises(WeightsError, match="width 32"):
        import_scantalk(path)
    config = network.audio_encoder.settings["config"]
    imported = import_scantalk(path, speech_config=config)
    assert imported.init_args["speech_config"] == config
    state = {key.removeprefix("network."): each for key, each in imported.state_dict.items()}
    assert_same(state, network.state_dict())
    with pytest.raises(WeightsError, match="no setting 'heads'"):
        import_scantalk(path, speech_config={"heads": 4})


def test_speech_encoder_of_another_family(tmp_path):
    network = filled(ScanTalk(SpeechEncoder(SPEECH, "wavlm"), **SETTINGS))
    path = write(export_reference(network.state_dict()), tmp_path / "a.pth", "state dict")
    assert import_scantalk(path).init_args["speech_architecture"] == "wavlm"
    assert_same(load_published(path).state_dict(), network.state_dict())


def test_tensors_of_no_use_are_reported(published, tmp_path):
    path = write(
        {**published, "extra.weight": torch.ones(2)}, tmp_path / "a.pth", "training checkpoint"
    )
    assert import_scantalk(path).report.ignored == ["autoencoder_state_dict.extra.weight"]


def test_a_part_of_a_network_finds_its_weights(network, published):
    block = network.decoder.stack[1]
    prefix = "decoder.block_1."
    own = {
        key.removeprefix(prefix): value
        for key, value in published.items()
        if key.startswith(prefix)
    }
    assert_same(network_state_dict(block, own), block.state_dict())


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("lstm.bias_hh_l1_reverse", r"first network\.lstm\.bias_hh_l1_reverse"),
        ("encoder.block_1.diffusion.diffusion_time", r"encoder\.blocks\.1\.diffusion\.times"),
        ("decoder.last_lin.weight", r"decoder\.last_lin\.weight is missing"),
        ("encoder.first_lin.weight", "it looks like another model"),
        ("audio_encoder.feature_projection.projection.weight", "speech encoder lack"),
    ],
)
def test_missing_tensors_are_named(published, tmp_path, key, message):
    del published[key]
    path = write(published, tmp_path / "part.pth", "training checkpoint")
    with pytest.raises(WeightsError, match=f"part.pth is no complete checkpoint.*{message}"):
        import_scantalk(path)


def test_missing_layers_are_noticed(published, tmp_path):
    without_lstm = {key: value for key, value in published.items() if "lstm" not in key}
    with pytest.raises(WeightsError, match=r"lstm\.weight_ih_l0 is missing"):
        import_scantalk(write(without_lstm, tmp_path / "a.pth", "state dict"))
    short = {key: value for key, value in published.items() if "decoder.block_2" not in key}
    with pytest.raises(WeightsError, match="3 blocks and its decoder 2"):
        import_scantalk(write(short, tmp_path / "a.pth", "state dict"))


def test_networks_of_other_signals_are_refused(tmp_path):
    network = ScanTalk(SpeechEncoder(SPEECH), in_channels=16, **SETTINGS)
    path = write(export_reference(network.state_dict()), tmp_path / "a.pth", "state dict")
    with pytest.raises(WeightsError, match="in_channels are not the three of coordinates"):
        import_scantalk(path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["network.lstm.weight_ih_l0", "network.encoder.first_lin.weight"], "needs no import"),
        (["audio_encoder.encoder.layer_norm.weight", "vertice_map.weight"], "FaceFormer"),
        (["feature_extractor.conv_layers.0.conv.weight"], r"which model\.speech_weights takes"),
        (["hubert.feature_extractor.conv_layers.0.conv.weight"], "a network of speech alone"),
        (["first_lin.weight", "block_0.diffusion.diffusion_time"], "a DiffusionNet alone"),
        (["layer4.weight"], r"tensors such as layer4\.weight"),
    ],
)
def test_other_models_are_refused_by_name(tmp_path, names, message):
    path = tmp_path / "other.pth"
    torch.save({name: torch.ones(2) for name in names}, path)
    with pytest.raises(WeightsError, match=f"other.pth is no .*it looks like .*{message}"):
        import_scantalk(path)


def test_development_branch_is_refused(published, tmp_path):
    published["encoder.block_0.mlp.miniMLP_mlp_layer_bn_000.weight"] = torch.ones(8)
    path = write(published, tmp_path / "a.pth", "training checkpoint")
    with pytest.raises(WeightsError, match="development branch"):
        import_scantalk(path)


def test_what_was_imported_goes_out_again_under_its_published_names(published, tmp_path):
    imported = import_scantalk(write(published, tmp_path / "a.pth", "training checkpoint"))
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(tmp_path / "weights", imported.state_dict, model)
    module = load(tmp_path / "weights")
    assert_same(export_reference(module.state_dict()), published)


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_no_code_is_run(published, tmp_path, capsys):
    torch.save({"autoencoder_state_dict": published, "args": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match="would run code"):
        import_scantalk(tmp_path / "evil.pth")
    assert not capsys.readouterr().out


def test_impossible_settings():
    with pytest.raises(ConfigError, match="latent_channels is even"):
        build_scantalk(
            {"speech_config": SPEECH, "speech_architecture": "hubert", "latent_channels": 3}
        )
