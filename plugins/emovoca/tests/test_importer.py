from __future__ import annotations

import os
import shutil
from itertools import permutations

import pytest
import torch
from safetensors.torch import save_file

import lightning_face
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, DataError, WeightsError
from lightning_face_emovoca.hierarchy.published_hierarchy import read_published_hierarchy
from lightning_face_emovoca.importer import (
    export_reference,
    import_desd,
    import_es2d,
    import_es2l,
)
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.es2l import ES2L

SPEECH = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1}
SPEECH |= {"intermediate_size": 32, "conv_dim": [8] * 7}
SPEECH |= {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}

DESD_SETTINGS = {
    "latent_size": 6,
    "encoder_widths": [5, 7],
    "decoder_widths": [9, 8, [4, 3]],
    "activation": "elu",
    "level0_shift": True,
    "unit": "m",
}
ES2D_SETTINGS = {
    "decoder_widths": [9, 8, [4, 3]],
    "num_landmarks": 68,
    "activation": "elu",
    "unit": "m",
    "landmark_scale": 1.0,
}
ES2L_SETTINGS = {
    "num_emotions": 11,
    "num_intensities": 3,
    "feature_dim": 8,
    "num_layers": 2,
    "speech_architecture": "wav2vec2",
}
IMPORTERS = {"desd": import_desd, "es2d": import_es2d, "es2l": import_es2l}
FILES = {"desd": "emovoca_generator.tar", "es2d": "es2d.tar", "es2l": "es2l.tar"}


@pytest.fixture
def template(small_root, tmp_path):
    """A folder with the mesh hierarchy of the sample."""
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copy(small_root / "src" / "template" / "downsampling_matrices.pkl", folder)
    return folder


@pytest.fixture
def networks(template):
    hierarchy = read_published_hierarchy(template)
    made = {
        "desd": DESD.from_hierarchy(hierarchy, **DESD_SETTINGS),
        "es2d": ES2D.from_hierarchy(hierarchy, **ES2D_SETTINGS),
        "es2l": ES2L(**ES2L_SETTINGS, speech_config=SPEECH),
    }
    generator = torch.Generator().manual_seed(0)
    for network in made.values():
        for parameter in network.parameters():
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return made


def write(tensors, path, layout="training checkpoint"):
    if layout == "training checkpoint":
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
        optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
        optimizer.step()
        state = {"epoch": 3, "autoencoder_state_dict": tensors}
        torch.save({**state, "optimizer_state_dict": optimizer.state_dict()}, path)
    elif layout == "distributed":
        torch.save({"state_dict": {f"module.{key}": value for key, value in tensors.items()}}, path)
    elif layout == "safetensors":
        save_file({key: value.clone() for key, value in tensors.items()}, path)
    else:
        torch.save(tensors, path)
    return path


def assert_same(found, network):
    expected = {f"network.{key}": value for key, value in network.state_dict().items()}
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in found.items())


@pytest.mark.parametrize("layout", ["training checkpoint", "distributed", "state dict"])
@pytest.mark.parametrize("name", IMPORTERS)
def test_every_layout(networks, template, name, layout):
    published = export_reference(networks[name].state_dict())
    path = write(published, template / FILES[name], layout)
    imported = IMPORTERS[name](path)
    assert_same(imported.state_dict, networks[name])
    assert not imported.report.missing
    assert not imported.report.ignored


def test_safetensors(networks, template):
    published = export_reference(networks["desd"].state_dict())
    path = write(published, template / "generator.safetensors", "safetensors")
    assert_same(import_desd(path).state_dict, networks["desd"])


def test_settings_are_read_off_the_shapes(networks, template):
    sizes = networks["desd"].tables
    common = {
        "level_sizes": list(sizes.level_sizes),
        "spiral_lengths": list(sizes.spiral_lengths),
    }
    for name, network in networks.items():
        write(export_reference(network.state_dict()), template / FILES[name])
    assert import_desd(template).init_args == {**common, **DESD_SETTINGS}
    assert import_es2d(template).init_args == {**common, **ES2D_SETTINGS}
    speech = import_es2l(template).init_args
    assert {key: speech["speech_config"][key] for key in SPEECH} == SPEECH
    assert {key: speech[key] for key in ES2L_SETTINGS} == ES2L_SETTINGS


def test_several_convolutions_of_a_level_are_told_apart(networks, template):
    settings = {**DESD_SETTINGS, "encoder_widths": [[5, 6], 7]}
    settings["decoder_widths"] = [9, [8, 6], [4, 3]]
    network = DESD.from_hierarchy(read_published_hierarchy(template), **settings)
    path = write(export_reference(network.state_dict()), template / "a.pth")
    found = import_desd(path).init_args
    assert found["encoder_widths"] == settings["encoder_widths"]
    assert found["decoder_widths"] == settings["decoder_widths"]


@pytest.mark.parametrize("name", IMPORTERS)
def test_imported_weights_make_a_model(networks, template, tmp_path, name):
    path = write(export_reference(networks[name].state_dict()), template / FILES[name])
    imported = IMPORTERS[name](path)
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(tmp_path / "weights", imported.state_dict, model)
    network = lightning_face.load(tmp_path / "weights").network
    assert all(
        torch.equal(value, network.state_dict()[key])
        for key, value in networks[name].state_dict().items()
    )


def test_export_is_the_inverse(networks, template):
    for name, network in networks.items():
        published = export_reference(network.state_dict())
        assert not any(key.startswith("tables.") for key in published)
        imported = IMPORTERS[name](write(published, template / FILES[name]))
        again = export_reference(imported.state_dict)
        assert again.keys() == published.keys()
        assert all(torch.equal(value, again[key]) for key, value in published.items())


def test_both_names_of_the_weight_normalisation(networks, template):
    published = export_reference(networks["es2l"].state_dict())
    head = "audio_encoder.encoder.pos_conv_embed.conv."
    assert f"{head}weight_g" in published
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        published[f"{head}parametrizations.weight.{new}"] = published.pop(head + old)
    path = write(published, template / "es2l.tar")
    assert_same(import_es2l(path).state_dict, networks["es2l"])


@pytest.mark.parametrize(("name", "wanted"), permutations(IMPORTERS, 2))
def test_files_of_the_other_networks_are_refused_by_name(networks, template, name, wanted):
    path = write(export_reference(networks[name].state_dict()), template / "a.tar")
    names = {"desd": "DE-SD", "es2d": "ES2D", "es2l": "ES2L"}
    message = f"no complete checkpoint of {names[wanted]}: it looks like {names[name]}, which"
    with pytest.raises(WeightsError, match=message):
        IMPORTERS[wanted](path)


@pytest.mark.parametrize(
    ("tensor", "model"),
    [
        ("network.dconv.0.conv.weight", "a Lightning checkpoint of this framework"),
        ("audio_embedding.weight", "ScanTalk"),
        ("vertice_map.weight", "FaceFormer"),
        ("wav2vec2.feature_extractor.conv_layers.0.conv.weight", "a network of speech alone"),
        ("audio_mapper.weight", "the predecessor S2L"),
        ("features.0.weight", r"another model, with tensors such as features\.0"),
    ],
)
def test_other_models_are_refused_by_name(template, tensor, model):
    path = write({tensor: torch.ones(2, 2)}, template / "a.pth")
    with pytest.raises(WeightsError, match=f"it looks like {model}"):
        import_desd(path)


@pytest.mark.parametrize("name", IMPORTERS)
def test_missing_tensors_are_named(networks, template, name):
    published = export_reference(networks[name].state_dict())
    gone = {"desd": "fc_latent_enc_emo.bias", "es2d": "dconv.1.conv.bias"}
    gone["es2l"] = "lstm.weight_hh_l1"
    del published[gone[name]]
    path = write(published, template / FILES[name])
    with pytest.raises(WeightsError, match=f"{FILES[name]} is no complete .*{gone[name]}"):
        IMPORTERS[name](path)


def test_missing_template_says_where_to_get_it(networks, template):
    path = write(export_reference(networks["desd"].state_dict()), template / "a.tar")
    (template / "downsampling_matrices.pkl").unlink()
    with pytest.raises(WeightsError, match=r"put downsampling_matrices\.pkl, from src/template of"):
        import_desd(path)


def test_damaged_template_is_an_error(networks, template):
    path = write(export_reference(networks["desd"].state_dict()), template / "a.tar")
    (template / "downsampling_matrices.pkl").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"downsampling_matrices\.pkl is damaged"):
        import_desd(path)


def test_weights_of_another_template_are_refused(networks, template):
    published = export_reference(networks["es2d"].state_dict())
    other = {**published, "fc_latent_dec.weight": torch.zeros(7 * 31, 204)}
    with pytest.raises(WeightsError, match=r"starts from 217 values, .* another template"):
        import_es2d(write(other, template / "es2d.tar"))
    other = {**published, "dconv.0.conv.weight": torch.zeros(8, 9 * 50)}
    with pytest.raises(WeightsError, match=r"dconv go along spirals of 50, .* another template"):
        import_es2d(write(other, template / "es2d.tar"))


def test_networks_of_other_landmarks_are_refused(networks, template):
    published = export_reference(networks["es2l"].state_dict())
    published |= {
        "output_mapper.weight": torch.zeros(153, 16),
        "output_mapper.bias": torch.zeros(153),
    }
    with pytest.raises(WeightsError, match="it is for 51 landmarks, not for 68"):
        import_es2l(write(published, template / "es2l.tar"))


def test_folder_of_several_files_needs_the_published_name(networks, template):
    published = export_reference(networks["desd"].state_dict())
    write(published, template / "one.pth")
    assert_same(import_desd(template).state_dict, networks["desd"])
    write(published, template / "two.pth")
    with pytest.raises(WeightsError, match=r"has one\.pth, two\.pth, and no emovoca_generator"):
        import_desd(template)
    write(published, template / "emovoca_generator.tar")
    assert_same(import_desd(template).state_dict, networks["desd"])


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


def test_code_is_not_run(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"autoencoder_state_dict": Attack()}, template / "es2d.tar")
    with pytest.raises(CheckpointError, match=r"it asks for posix\.mkdir"):
        import_es2d(template)
    assert not (tmp_path / "attacked").exists()
