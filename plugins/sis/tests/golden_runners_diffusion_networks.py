"""How the golden cases of the networks of latent diffusion are computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.networks.conditioning import Conditioning
from lightning_face_sis.networks.diffusion_res_block import SPADEResBlock
from lightning_face_sis.networks.diffusion_transformer import DiffusionTransformer
from lightning_face_sis.networks.first_stage_names import first_stage_key_map, first_stage_shapes
from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.masked_attention import MaskedCrossAttention
from lightning_face_sis.networks.semantic_unet import SemanticUNet
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder
from lightning_face_sis.networks.vq_first_stage import VQFirstStage
from lightning_face_sis.published_names import generator_state_dict

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def run_first_stage(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    sizes = config["ddconfig"]
    network = VQFirstStage(
        num_embeddings=config["n_embed"],
        latent_channels=config["embed_dim"],
        channels=sizes["ch"],
        channel_multipliers=sizes["ch_mult"],
        num_res_blocks=sizes["num_res_blocks"],
        attention_resolutions=sizes["attn_resolutions"],
        resolution=sizes["resolution"],
    ).eval()
    names, tensors = first_stage_key_map(network), first_stage_shapes(state)
    network.load_state_dict({ours: tensors[name] for name, ours in names.items()})
    z = inputs["z"]
    found = network.quantize(z)
    return {
        "latent": network.encode(inputs["image"]),
        "quant": found.latents,
        "indices": found.indices,
        "quant_loss": network.codebook_loss(z, found.indices),
        "dec": network.decode(z),
        "dec_noquant": network.decode(z, quantize=False),
    }


def run_style_encoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = ("num_mask_channels", "output_dim", "num_feat", "num_downsample", "num_upsample")
    encoder = GroupedStyleEncoder(*(config[name] for name in names), skip_layout="reference")
    encoder.load_state_dict(generator_state_dict(state, "style_encoder.", "style_encoder."))
    masks = one_hot_masks(inputs["label"][:, None], config["num_mask_channels"])
    images = inputs["image"]
    return {
        "style": encoder(images, masks),
        "style_null": encoder(torch.zeros_like(images), masks),
    }


def run_spade_resblock(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    block = SPADEResBlock(
        config["channels"],
        config["emb_channels"],
        config["c_channels"],
        config["out_channels"],
        config["dropout"],
        config["use_scale_shift_norm"],
        resampling(config),
    ).eval()
    block.load_state_dict(state)
    conditioning = Conditioning(LabelPyramid(inputs["label"][:, None], config["c_channels"]))
    features = inputs["x"]
    size = (features.shape[2], features.shape[3])
    return {
        "norm": block.in_norm(features, conditioning.modulation(block.in_norm, size)),
        "out": block(features, inputs["emb"], conditioning),
    }


def resampling(config: Config) -> str | None:
    return next((how for how in ("up", "down") if config.get(how)), None)


def run_cross_attention(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    attention = MaskedCrossAttention(
        *(config[name] for name in ("query_dim", "context_dim", "heads", "dim_head"))
    )
    attention.load_state_dict(state)
    tokens, context, masks = (inputs[name] for name in ("x", "context", "mask"))
    labels = LabelPyramid(masks, masks.shape[1])
    grid = grid_of(tokens.shape[1], labels)
    prepared = attention.prepare(context, labels, grid)
    return {
        "out": attention(tokens, prepared),
        "sim": attention.logits(tokens, prepared).flatten(0, 1),
        "out_nomask": attention(tokens, attention.prepare(context, None, grid)),
    }


def grid_of(tokens: int, labels: LabelPyramid) -> tuple[int, int]:
    height, width = labels.size
    times = (height * width // tokens) ** 0.5
    return round(height / times), round(width / times)


def run_spatial_transformer(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = ("in_channels", "n_heads", "d_head", "context_dim", "depth")
    block = DiffusionTransformer(
        *(config[name] for name in names), mask_attention=config.get("use_mask_attn", True)
    )
    block.load_state_dict(state)
    labels = LabelPyramid(inputs["label"][:, None], inputs["context"].shape[1])
    out, logits = block(inputs["x"], Conditioning(labels, inputs["context"]), with_logits=True)
    return {"out": out, "sim": logits[-1].logits.flatten(0, 1)}


def unet_settings(config: Config) -> Config:
    ours = {
        "num_classes": "num_classes",
        "in_channels": "in_channels",
        "out_channels": "out_channels",
        "model_channels": "model_channels",
        "num_res_blocks": "num_res_blocks",
        "channel_mult": "channel_multipliers",
        "attention_resolutions": "attention_resolutions",
        "num_head_channels": "head_dim",
        "context_dim": "context_dim",
        "transformer_depth": "transformer_depth",
        "use_mask_attn": "mask_attention",
        "use_scale_shift_norm": "use_scale_shift_norm",
        "resblock_updown": "resblock_updown",
        "dropout": "dropout",
    }
    return {name: config[word] for word, name in ours.items() if word in config}


def run_unet(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = SemanticUNet(**({"mask_attention": False} | unet_settings(config))).eval()
    network.load_state_dict(state)
    conditioning = network.prepare(inputs["context"], inputs["label"][:, None])
    noise, logits = network(inputs["x"], inputs["t"], conditioning=conditioning, with_logits=True)
    return {"eps": noise} | {
        f"sim_{number:02}_mean": each.logits.mean(dim=2).flatten(0, 1)
        for number, each in enumerate(logits)
    }


RUNNERS = {
    "sca-dm/cross-attention": run_cross_attention,
    "sca-dm/first-stage": run_first_stage,
    "sca-dm/spade-resblock": run_spade_resblock,
    "sca-dm/spatial-transformer": run_spatial_transformer,
    "sca-dm/style-encoder": run_style_encoder,
    "sca-dm/unet": run_unet,
}
