from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.checkpoint.load import load
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_mars.importer import (
    export_reference,
    import_mars,
    infer_settings,
    inference_tensors,
    initialize_from,
    recognize,
)
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.published_files import Notes, write_published

LOWER = "text_encoder{}.bert.encoder.layer.0.crossattention.self.key.weight"


@pytest.fixture
def published(tmp_path):
    """Write a checkpoint as the published code does, with all that lies beside the network."""

    def write(tensors, name="checkpoint.pth", **beside):
        path = tmp_path / name
        optimizer = {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-5}]}
        beside = {
            "optimizer": optimizer,
            "lr_scheduler": {"base_values": [1e-5]},
            "config": {"image_res": 64},
            "epoch": 3,
            "best": np.float64(77.6),
            **beside,
        }
        torch.save({"model": tensors, **beside}, path)
        return path

    return write


@pytest.mark.parametrize(("full_ca", "method"), [(True, "mars"), (False, "rasa")])
def test_whole_checkpoints(small_network, small_notes, published, full_ca, method):
    network = small_network(full_ca, reconstruction=full_ca)
    tensors = network.state_dict()
    assert recognize(tensors) == method
    imported = import_mars(published(tensors), notes=small_notes)
    assert imported.init_args["preset"] == method
    assert imported.init_args["max_words"] == {"mars": 75, "rasa": 50}[method]
    assert imported.report.missing == []
    assert imported.report.ignored == []
    assert len(imported.report.mapped) == len(tensors)
    for name, value in tensors.items():
        assert torch.equal(imported.state_dict[f"network.{name}"], value), name


@pytest.mark.parametrize("inference", [False, True])
@torch.no_grad()
def test_imported_weights_are_loaded_as_a_module(
    small_network, small_notes, published, tmp_path, pictures, texts, inference
):
    network = small_network()
    tensors = network.state_dict()
    path = published(inference_tensors(tensors) if inference else tensors)
    imported = import_mars(path, notes=small_notes)
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(tmp_path / "weights", imported.state_dict, model)
    module = load(tmp_path / "weights")
    assert module.network.inference_only == inference
    tokens, features = module.network.encode_image(pictures)
    assert torch.equal(features, network.encode_image(pictures)[1])
    expected = network.match_logits(*texts, tokens)
    assert torch.equal(module.network.match_logits(*texts, tokens), expected)
    exported = export_reference(module.state_dict())
    assert exported.keys() == (inference_tensors(tensors) if inference else tensors).keys()
    assert all(torch.equal(value, tensors[name]) for name, value in exported.items())


@pytest.mark.parametrize(
    ("full_ca", "reconstruction", "inference", "preset"),
    [
        (True, False, False, "rasa"),
        (False, True, False, "mars"),
        (True, False, True, "mars"),
        (False, False, True, "rasa"),
    ],
)
def test_the_method_that_training_goes_on_with(
    small_network, small_notes, published, full_ca, reconstruction, inference, preset
):
    tensors = small_network(full_ca, reconstruction=reconstruction).state_dict()
    path = published(inference_tensors(tensors) if inference else tensors)
    args = import_mars(path, notes=small_notes).init_args
    assert args["preset"] == preset
    assert args["bert"]["full_ca"] == full_ca
    assert args["reconstruction"] == (reconstruction and not inference)


def test_sizes_are_read_off_the_shapes(small_network, small_settings, small_notes):
    network = small_network(patch_size=8, embed_dim=20, queue_size=30, vision_depth=3)
    settings = infer_settings(network.state_dict(), small_notes)
    expected = {**small_settings, "patch_size": 8, "embed_dim": 20, "queue_size": 30}
    expected |= {"vision_depth": 3, "reconstruction": True}
    bert = {**expected.pop("bert"), "encoder_width": 32, "full_ca": True, "type_vocab_size": 2}
    assert settings.pop("bert") == bert
    assert settings == expected


def test_where_fusion_begins_shows_in_the_upper_layers(small_network):
    network = small_network(full_ca=False, bert={"fusion_layer": 3})
    assert infer_settings(network.state_dict())["bert"]["fusion_layer"] == 3


def test_heads_have_64_numbers_each_as_published():
    with torch.device("meta"):
        network = PersonSearchNetwork(queue_size=8)
    settings = infer_settings(network.state_dict())
    assert settings["vision_heads"] == settings["bert"]["num_attention_heads"] == 12
    assert settings["decoder_heads"] == 8


def test_albef_is_a_start_for_mars(albef_tensors, published, small_notes):
    imported = import_mars(published(albef_tensors, "ALBEF.pth"), image_size=64, notes=small_notes)
    args = imported.init_args
    assert (args["preset"], args["image_size"], args["bert"]["full_ca"]) == ("mars", 64, True)
    network = PersonSearchNetwork(
        **{k: v for k, v in args.items() if k not in ("preset", "max_words", "vocabulary")}
    )
    state = {name.removeprefix("network."): v for name, v in imported.state_dict.items()}
    network.load_state_dict(state)
    for part in ("temp", "image_queue", "text_queue", "queue_ptr", "itm_head.weight"):
        assert torch.equal(state[part], albef_tensors[part])
    assert state["idx_queue"].unique().tolist() == [-100]
    assert state["visual_encoder.pos_embed"].shape == (1, 17, 32)
    assert torch.equal(state[LOWER.format("")], state[LOWER.format("_m")])
    missing = {name.split(".")[1] for name in imported.report.missing}
    assert missing == {
        "mask_token",
        "visual_decoder_pos_embed",
        "idx_queue",
        "visual_decoder",
        "decoder_pred",
        "text_encoder",
        "text_encoder_m",
        "prd_head",
        "mrtd_head",
    }
    again = import_mars(published(albef_tensors), image_size=64, notes=small_notes)
    assert torch.equal(
        again.state_dict["network.mask_token"], imported.state_dict["network.mask_token"]
    )


def test_a_start_keeps_what_the_file_lacks(albef_tensors, published, small_network):
    network = small_network(queue_size=10)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = initialize_from(network, published(albef_tensors))
    after = network.state_dict()
    for name in ("mask_token", "prd_head.weight", "image_queue", LOWER.format("")):
        assert torch.equal(after[name], before[name]), name
        assert name in report.missing
    upper = LOWER.format("").replace(".0.", ".2.")
    for name in ("temp", upper, "text_encoder_m.cls.predictions.bias"):
        assert torch.equal(after[name], albef_tensors[name]), name
    assert torch.equal(after[LOWER.format("_m")], after[LOWER.format("")])
    head = network.text_encoder.cls["predictions"]
    assert head.decoder.weight is network.text_encoder.bert.embeddings.word_embeddings.weight


def test_a_start_from_weights_for_search_alone(small_network, published):
    network = small_network()
    tensors = {name: value + 1 for name, value in small_network().state_dict().items()}
    initialize_from(network, published(inference_tensors(tensors)))
    copied = network.visual_encoder_m.cls_token
    assert torch.equal(network.visual_encoder.cls_token, tensors["visual_encoder.cls_token"])
    assert torch.equal(copied, network.visual_encoder.cls_token)


def test_a_start_that_lacks_more_is_refused(albef_tensors, published, small_network):
    del albef_tensors[LOWER.format("").replace(".0.", ".3.")]
    with pytest.raises(WeightsError, match=r"no start for this network.*layer\.3\.crossatt"):
        initialize_from(small_network(), published(albef_tensors))


def test_a_start_of_other_sizes_is_refused(albef_tensors, published, small_network):
    path = published(albef_tensors)
    with pytest.raises(WeightsError, match="other sizes"):
        initialize_from(small_network(embed_dim=8), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("mrtd_head.bias"), r"lacks 1 .* mrtd_head\.bias"),
        (lambda t: t.pop("vision_proj.weight"), r"no vision_proj\.weight"),
        (lambda t: t.update({"text_proj.bias": torch.ones(3)}), r"text_proj\.bias has shape"),
        (lambda t: t.update({"visual_encoder.pos_embed": torch.ones(1, 9, 32)}), "no square"),
    ],
    ids=["incomplete", "essential", "shape", "grid"],
)
def test_damaged_checkpoints_are_refused(small_network, small_notes, published, change, message):
    tensors = small_network().state_dict()
    change(tensors)
    with pytest.raises(WeightsError, match=message) as caught:
        import_mars(published(tensors), notes=small_notes)
    assert "checkpoint.pth" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("network.visual_encoder.cls_token", "needs no import"),
        ("text_encoder.encoder.layer.0.output.dense.weight", "BLIP"),
        ("visual.conv1.weight", "CLIP"),
        ("base_model.visual.conv1.weight", "IRRA"),
        ("bert.embeddings.word_embeddings.weight", "BERT alone"),
        ("blocks.0.attn.qkv.weight", "vision transformer alone"),
        ("text_decoder.bert.embeddings.LayerNorm.bias", "answers to questions"),
        ("conv1.weight", r"another model, with tensors such as conv1\.weight"),
    ],
)
def test_other_models_are_refused_by_their_names(published, name, kind):
    with pytest.raises(WeightsError, match=kind):
        import_mars(published({name: torch.ones(2)}))


def test_ignored_tensors_are_reported(small_network, small_notes, published):
    tensors = small_network().state_dict() | {"text_decoder": torch.ones(1)}
    report = import_mars(published(tensors), notes=small_notes).report
    assert report.ignored == ["text_decoder"]


def test_files_that_run_code_are_refused(small_network, published):
    with pytest.raises(CheckpointError, match="would run code"):
        import_mars(published(small_network().state_dict(), config=Notes()))


def test_converted_files_bring_their_heads(small_network, small_notes, tmp_path):
    path = tmp_path / "small.safetensors"
    write_published(path, small_network().state_dict(), small_notes)
    settings = import_mars(path).init_args
    assert (settings["vision_heads"], settings["decoder_heads"]) == (4, 2)
    assert settings["bert"]["num_attention_heads"] == 4
