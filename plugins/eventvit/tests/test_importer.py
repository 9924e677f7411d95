from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.weights import read_weights, save_weights
from lightning_face.errors import WeightsError
from lightning_face.registry import find, load
from lightning_face.testing.research_data import research_file
from lightning_face_eventvit.importer import (
    build_fusion,
    import_event_vit,
    import_fusion,
    import_privileged,
    load_published,
)
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.modules.fusion_module import FusionModule
from lightning_face_eventvit.modules.privileged_module import PrivilegedModule
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.reference_export import export_reference

# what a file does not tell is as published: square frames, heads of 64
SETTINGS = {"image_size": 16, "patch_size": 8, "num_classes": 5, "dim": 8, "depth": 2}
SETTINGS |= {"temporal_depth": 1, "heads": 1, "mlp_dim": 6, "dim_head": 64}
KINDS = ["early", "middle", "late", "privileged-rgb", "privileged-event"]
IMPORTERS = dict.fromkeys(KINDS[:3], import_fusion) | dict.fromkeys(KINDS[3:], import_privileged)


@pytest.fixture
def published():
    torch.manual_seed(0)
    return EventViT(**SETTINGS).state_dict()


def fusion(kind):
    torch.manual_seed(0)
    network = build_fusion(kind, SETTINGS)
    return network, export_reference(network.state_dict(), kind)


def write(path, tensors):
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def module_of(weights):
    classes = (EventViTModule, FusionModule, PrivilegedModule)
    cls = {f"{cls.__module__}.{cls.__qualname__}": cls for cls in classes}[weights.class_path]
    module = cls(**weights.init_args)
    module.load_state_dict(weights.state_dict)
    return module.eval()


@pytest.mark.parametrize("name", ["event-vit", "event-vit-fusion", "event-vit-privileged"])
def test_importers_are_registered(name):
    functions = {"event-vit": import_event_vit, "event-vit-fusion": import_fusion}
    expected = functions.get(name, import_privileged)
    assert load(find("importers", name)) is expected


@pytest.mark.parametrize("layout", ["w.pth", "w.safetensors", "module.", "_orig_mod.", "wrapped"])
def test_every_layout_makes_a_round_trip(tmp_path, published, layout):
    tensors, path = published, tmp_path / (layout if "w." in layout else "w.pth")
    if layout in ("module.", "_orig_mod."):
        tensors = {layout + key: value for key, value in published.items()}
    elif layout == "wrapped":
        tensors = {"state_dict": published, "epoch": 3}
    weights = import_event_vit(write(path, tensors))
    assert weights.report.missing == weights.report.ignored == []
    module = module_of(weights)
    assert not module.hparams["mask_padding"]
    exported = export_reference(module.state_dict())
    assert exported.keys() == published.keys()
    assert all(torch.equal(exported[key], value) for key, value in published.items())


def test_the_result_is_written_and_read_as_a_folder_of_weights(tmp_path, published):
    weights = import_event_vit(write(tmp_path / "w.pth", published))
    model = {"class_path": weights.class_path, "init_args": weights.init_args}
    save_weights(tmp_path / "folder", weights.state_dict, model)
    tensors, config = read_weights(tmp_path / "folder")
    assert config["model"] == model
    assert tensors.keys() == weights.state_dict.keys()


@pytest.mark.parametrize("channels", [1, 3])
def test_modality_is_told_by_the_channels(tmp_path, channels):
    path = write(tmp_path / "w.pth", EventViT(**SETTINGS, channels=channels).state_dict())
    weights = import_event_vit(path)
    assert weights.init_args["modality"] == {1: "event", 3: "rgb"}[channels]


def test_one_line_loads_a_network(tmp_path, published):
    network = load_published(write(tmp_path / "w.pth", published))
    assert not network.training
    assert all(torch.equal(each, published[key]) for key, each in network.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fusion_keeps_what_it_computes(tmp_path, kind):
    network, tensors = fusion(kind)
    weights = IMPORTERS[kind](write(tmp_path / "w.pth", tensors))
    assert weights.report.missing == []
    assert len(weights.report.mapped) + len(weights.report.ignored) == len(tensors)
    module = module_of(weights)
    clips = torch.rand(2, 3, 1, 16, 16), torch.rand(2, 3, 3, 16, 16)
    with torch.no_grad():
        ours, theirs = module.network(*clips), network.eval()(*clips)
    for found, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, wanted)
    # what was ignored can be put back
    exported = export_reference(module.state_dict(), kind, idle=tensors)
    assert all(torch.equal(exported[key], value) for key, value in tensors.items())


def test_early_fusion_takes_features_for_scores_as_published(tmp_path):
    weights = import_fusion(write(tmp_path / "w.pth", fusion("early")[1]))
    assert weights.init_args["early_head"] == "features"
    assert sum(key.startswith("original_mod.mlp_head.") for key in weights.report.ignored) == 4


@pytest.mark.parametrize(
    ("importer", "keys", "looks_like"),
    [
        (import_event_vit, "late", "RGB privileged, or a late fusion"),
        (import_event_vit, "early", "an early fusion"),
        (import_event_vit, "middle", "a middle fusion"),
        (import_event_vit, "privileged-event", "events privileged"),
        (import_fusion, "privileged-event", "events privileged: import it as event-vit-privileged"),
        (import_privileged, "middle", "a middle fusion: import it as event-vit-fusion"),
        (import_privileged, "early", "an early fusion"),
        (import_event_vit, ["network.pos_embedding"], "Lightning checkpoint of this framework"),
        (import_event_vit, ["cnn_transformer.conv1.weight"], "baseline of FACEMORPHIC"),
        (import_event_vit, ["vivit.pos_embedding"], "baseline of FACEMORPHIC"),
        (import_event_vit, ["conv1.weight", "lstm.weight_ih_l0"], "baseline of FACEMORPHIC"),
        (
            import_event_vit,
            ["to_patch_embedding.to_patch_tokens.1.weight", "transformer.layers.0.0.norm.weight"],
            "ViT for small data sets",
        ),
        (import_event_vit, ["spatial_transformer.layers.0.0.norm.weight"], "ViViT"),
        (import_event_vit, ["blocks.0.attn.qkv.weight"], "timm"),
        (import_event_vit, ["mamba.encoder_c.layers.0.self_attention.A_logs"], "Mamba-ST"),
        (import_privileged, ["layer4.1.conv2.weight"], "a ResNet"),
        (import_fusion, ["some.weight"], "another model, with tensors such as some.weight"),
    ],
)
def test_another_models_checkpoint_is_refused_with_a_guess(tmp_path, importer, keys, looks_like):
    tensors = {key: torch.zeros(2) for key in keys} if isinstance(keys, list) else fusion(keys)[1]
    with pytest.raises(WeightsError, match=rf"w\.pth.*{looks_like}"):
        importer(write(tmp_path / "w.pth", tensors))


@pytest.mark.parametrize("importer", [import_fusion, import_privileged])
def test_a_network_of_one_modality_is_no_fusion(tmp_path, published, importer):
    with pytest.raises(WeightsError, match="event ViT of one modality: import it as event-vit"):
        importer(write(tmp_path / "w.pth", published))


def test_frames_of_both_modalities_are_no_single_modality(tmp_path):
    sizes = {"image_size": 224, "patch_size": 16, "channels": 4}
    tensors = EventViT(**{**SETTINGS, **sizes}).state_dict()
    with pytest.raises(WeightsError, match="neither one channel"):
        import_event_vit(write(tmp_path / "w.pth", tensors))


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_a_damaged_checkpoint_is_refused_with_the_tensors_name(tmp_path, published, damage):
    key = "spatial_transformer.layers.1.1.net.4.weight"
    if damage == "missing":
        del published[key]
    else:
        published[key] = published[key][:4]
    with pytest.raises(WeightsError, match=r"w\.pth.*layers\.1\.1\.net\.4\.weight"):
        import_event_vit(write(tmp_path / "w.pth", published))


def test_other_sizes_can_be_given(tmp_path):
    settings = {**SETTINGS, "image_size": (8, 24), "heads": 2, "dim_head": 8}
    path = write(tmp_path / "w.pth", EventViT(**settings).state_dict())
    weights = import_event_vit(path, image_size=(8, 24), dim_head=8)
    assert {key: weights.init_args[key] for key in settings} == settings
    module_of(weights)


@pytest.mark.parametrize(("modality", "parameters"), [("event", 659_484), ("rgb", 828_444)])
def test_the_published_files_load_with_their_settings(modality, parameters):
    file = research_file(f"facemorphic/vit-{modality}.safetensors")
    if file is None:
        pytest.skip(f"the published {modality} weights are not at hand")
    weights = import_event_vit(file)
    assert weights.init_args["modality"] == modality
    sizes = {"image_size": 224, "patch_size": 16, "num_classes": 24, "dim": 64, "depth": 4}
    sizes |= {"temporal_depth": 4, "heads": 4, "mlp_dim": 32, "dim_head": 64, "pool": "cls"}
    assert {key: weights.init_args[key] for key in sizes} == sizes
    network = load_published(file)
    assert sum(each.numel() for each in network.parameters()) == parameters
