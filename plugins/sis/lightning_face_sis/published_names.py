"""Published names of tensors, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

__all__ = [
    "discriminator_name",
    "discriminator_state_dict",
    "generator_name",
    "generator_state_dict",
]

# of the generator, applied one after another
GENERATOR = [
    (r"^encs\.encs\.0\.", r"mask_embedder.projection."),
    (r"^style_encoder\.Encoder\.first_layer\.", r"style_encoder.stem."),
    (r"^style_encoder\.Encoder\.enc_layer_(\d+)\.", r"style_encoder.down_layers.\1."),
    (r"^style_encoder\.Decoder\.dec_layer_(\d+)\.1\.", r"style_encoder.up_layers.\1.conv."),
    (r"^style_encoder\.Decoder\.dec_layer_(\d+)\.2\.", r"style_encoder.up_layers.\1.norm."),
    (r"^style_encoder\.out\.out_(\d+)\.0\.", r"style_encoder.code_layers.\1."),
    (r"^(style_encoder\.(?:stem|down_layers\.\d+))\.0\.", r"\1.conv."),
    (r"^(style_encoder\.(?:stem|down_layers\.\d+))\.1\.", r"\1.norm."),
    (r"^noise_encoder\.unshared\.", r"noise_encoder.per_class."),
    (r"^reshape_conv\.", r"input_conv."),
    (r"^out_conv\.", r"output_conv."),
    (r"^res([2-6])\.", lambda match: f"res_blocks.{int(match[1]) - 2}."),
    (r"^cross([2-6])\.", lambda match: f"attention_blocks.{int(match[1]) - 2}."),
    (r"(^|\.)in_layers\.0\.", r"\1norm1."),
    (r"(^|\.)in_layers\.2\.", r"\1conv1."),
    (r"(^|\.)out_layers\.0\.", r"\1norm2."),
    (r"(^|\.)out_layers\.3\.", r"\1conv2."),
    (r"(^|\.)skip_connection\.", r"\1skip."),
    (r"transformer_blocks\.0\.", r""),
    (r"(^|\.)attn1\.", r"\1self_attention."),
    (r"(^|\.)attn2\.", r"\1cross_attention."),
    (r"(^|\.)to_out\.0\.", r"\1to_out."),
    (r"(^|\.)ff\.net\.0\.proj\.", r"\1feed_forward.expand."),
    (r"(^|\.)ff\.net\.2\.", r"\1feed_forward.contract."),
    (r"^(attention_blocks\.\d+\.)norm1\.", r"\1self_norm."),
    (r"^(attention_blocks\.\d+\.)norm2\.", r"\1cross_norm."),
    (r"^(attention_blocks\.\d+\.)norm3\.", r"\1feed_forward_norm."),
]

# of a discriminator: hooks and parametrisations of spectral norm, stages with and without
# instance norm
STAGE = re.compile(r"^discriminator_(\d+)\.model(\d+)\.0\.(?:0\.)?(.*)$")
SPECTRAL = {
    "parametrizations.weight.original": "weight_orig",
    "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v",
}


def generator_name(key: str) -> str:
    """Give the name in `CA2SISGenerator` of a tensor by its published one."""
    for pattern, ours in GENERATOR:
        key = re.sub(pattern, ours, key)
    return key


def discriminator_name(key: str) -> str:
    """Give the name in `MultiscaleDiscriminator` of a tensor by its published one."""
    match = STAGE.match(key)
    if match is None:
        return key
    scale, stage, leaf = match.groups()
    return f"scales.{scale}.stages.{stage}.conv.{SPECTRAL.get(leaf, leaf)}"


def generator_state_dict(
    tensors: Mapping[str, Tensor], published: str = "", ours: str = ""
) -> dict[str, Tensor]:
    """Rename the tensors of a published generator, or of one of its parts.

    Args:
        tensors: Tensors by published names, without ``published``.
        published: Published prefix of the part, such as ``encs.``.
        ours: Its prefix in `CA2SISGenerator`, such as ``mask_embedder.``.

    Returns:
        State dict of a `CA2SISGenerator`, or of the part.
    """
    return {
        generator_name(published + key).removeprefix(ours): value for key, value in tensors.items()
    }


def discriminator_state_dict(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of published discriminators."""
    return {discriminator_name(key): value for key, value in tensors.items()}
