"""Ways to compute the stored cases of the networks and of their checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lightning_face_mars.evaluation.grad_cam import heat_map
from lightning_face_mars.importer import infer_settings, recognize
from lightning_face_mars.losses import reconstruction_loss, to_patches
from lightning_face_mars.networks.bert import BertSettings
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.networks.position_embedding import resize_position_embedding
from lightning_face_mars.networks.reconstruction_decoder import ReconstructionDecoder
from lightning_face_mars.networks.text_encoder import TextEncoder
from lightning_face_mars.networks.vision_transformer import VisionTransformer
from lightning_face_mars.published_files import Notes

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def bert_settings(config: Config) -> BertSettings:
    assert config.get("hidden_act", "gelu") == "gelu"
    known = BertSettings.__dataclass_fields__
    return BertSettings(**{name: value for name, value in config.items() if name in known})


def person_search_settings(config: Config) -> dict[str, Any]:
    """Translate the words of a published configuration to arguments of the network."""
    names = {
        "image_res": "image_size",
        "patch_size": "patch_size",
        "vision_width": "vision_width",
        "vit_depth": "vision_depth",
        "vit_heads": "vision_heads",
        "embed_dim": "embed_dim",
        "decoder_depth": "decoder_depth",
        "decoder_heads": "decoder_heads",
        "queue_size": "queue_size",
        "temp": "temperature",
    }
    settings = {ours: config[theirs] for theirs, ours in names.items() if theirs in config}
    return {**settings, "bert": bert_settings(config["bert_config"])}


def make_person_search(config: Config, state: Tensors) -> PersonSearchNetwork:
    """Build the network whose sizes are inferred from its weights, and check them."""
    wanted = person_search_settings(config)
    notes = Notes(
        vision_heads=wanted.get("vision_heads"),
        text_heads=wanted["bert"].num_attention_heads,
        decoder_heads=wanted.get("decoder_heads", 8),
        fusion_layer=wanted["bert"].fusion_layer,
    )
    settings = infer_settings(state, notes)
    # the last ones leave no trace in a checkpoint
    left_out = {"bert", "temperature", *(name for name in wanted if name not in settings)}
    assert left_out <= {"bert", "temperature", "decoder_depth", "decoder_heads", "queue_size"}
    for name in wanted.keys() - left_out:
        assert settings[name] == wanted[name], name
    for name, value in settings["bert"].items():
        assert value == getattr(wanted["bert"], name), name
    network = PersonSearchNetwork(**settings)
    network.load_state_dict(state)
    return network.eval()


def make_vision_transformer(config: Config, state: Tensors) -> VisionTransformer:
    names = ("img_size", "patch_size", "embed_dim", "depth", "num_heads")
    network = VisionTransformer(*(config[name] for name in names))
    network.load_state_dict(state)
    return network.eval()


@torch.no_grad()
def run_vision_transformer(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"tokens": make_vision_transformer(config, state)(inputs["image"])}


@torch.no_grad()
def run_masked_vision_transformer(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_vision_transformer(config, state)
    masked = network.forward_masked(inputs["image"], config["mask_ratio"], inputs["noise"])
    return {"latent": masked.tokens, "mask": masked.mask, "ids_restore": masked.ids_restore}


@torch.no_grad()
def run_text_encoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    encoder = TextEncoder(bert_settings(config))
    encoder.load_state_dict(state)
    encoder.eval()
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    memory = encoder.image_memory(inputs["image_embeds"])
    text = encoder.encode_text(ids, mask)
    both = encoder.encode_with_images(ids, mask, memory)
    outputs = {
        "text_hidden": text,
        "multi_modal_hidden": both,
        "mlm_logits": encoder.word_scores(both),
    }
    if not encoder.settings.full_ca:
        outputs["fusion_hidden"] = encoder.fuse(text, mask, memory)
    return outputs


@torch.no_grad()
def run_reconstruction_decoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    sizes = (config[name] for name in ("dim", "context_dim", "depth", "heads"))
    decoder = ReconstructionDecoder(*sizes)
    decoder.load_state_dict(state)
    return {"y": decoder.eval()(inputs["x"], inputs["context"])}


@torch.no_grad()
def run_reconstruction(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = PersonSearchNetwork(**person_search_settings(config))
    # the case holds the weights of the branch alone
    found = network.load_state_dict(state, strict=False)
    assert not found.unexpected_keys
    network.eval()
    made = network.reconstruct(
        inputs["image"], inputs["noise"], inputs["text_hidden"], config["mask_ratio"]
    )
    return {
        "decoder_input": made.decoder_input,
        "pred": made.patches,
        "mask": made.mask,
        "target": to_patches(inputs["image"], config["patch_size"]),
        "loss_mae": reconstruction_loss(
            made.patches, inputs["image"], made.mask, config["patch_size"]
        ),
    }


@torch.no_grad()
def run_person_search(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_person_search(config, state)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    image_tokens, image_features = network.encode_image(inputs["image"])
    text_hidden, text_features = network.encode_text(ids, mask)
    hidden = network.match(ids, mask, image_tokens)
    values = {
        "image_embeds": image_tokens,
        "image_feat": image_features,
        "text_hidden": text_hidden,
        "text_feat": text_features,
        "multi_modal_hidden": hidden,
        "itm_logits": network.match_logits(ids, mask, image_tokens),
        "similarity": text_features @ image_features.T,
    }
    # names such as "tokens[:, ::64]" ask for some of the rows
    few = {
        f"{name}[:, ::{step}]": value[:, ::step]
        for name, value in values.items()
        for step in range(1, 577)
    }
    return values | few


def run_heat_map(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_person_search(config, state)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    tokens, _ = network.encode_image(inputs["image"])
    found = heat_map(network, ids, mask, tokens, config["block_num"])
    return {"itm_logits": found.logits, "gradcam": found.maps}


def run_checkpoint_keys(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    # what a checkpoint of ALBEF has not
    later = ("prd_head.", "mrtd_head.", "idx_queue") if recognize(state) == "albef" else ()
    with torch.device("meta"):
        network = PersonSearchNetwork(**infer_settings(state))
    expected = {
        name: value
        for name, value in network.state_dict().items()
        if not (later and name.startswith(later))
    }
    for name, value in expected.items():
        assert (value.shape, value.dtype) == (state[name].shape, state[name].dtype), name
    return {
        "number_of_keys": torch.tensor(len(expected)),
        "number_of_values": torch.tensor(sum(value.numel() for value in expected.values())),
    }


def run_position_embedding(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    resized = resize_position_embedding(inputs["pos_embed"], config["new_grid"])
    return {"pos_embed_new": resized}


RUNNERS = {
    "mars": run_person_search,
    "mars/vit": run_vision_transformer,
    "mars/vit-mae": run_masked_vision_transformer,
    "mars/text-encoder": run_text_encoder,
    "mars/cross-transformer": run_reconstruction_decoder,
    "mars/mae": run_reconstruction,
    "mars/gradcam": run_heat_map,
    "mars/checkpoint-keys": run_checkpoint_keys,
    "mars/pos-embed": run_position_embedding,
}
