"""What the published code calls the tensors of the first stage."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from lightning_face_sis.networks.vq_first_stage import VQFirstStage

__all__ = ["first_stage_key_map", "first_stage_shapes", "published_first_stage_shapes"]

# ours, published; the order of sizes on the way up is reversed apart
_NAMES = (
    (r"^autoencoder\.", ""),
    (r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d+)\.attentions\.", r"down.\1.attn."),
    (r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample."),
    (r"up_blocks\.(\d+)\.resnets\.", r"up.\1.block."),
    (r"up_blocks\.(\d+)\.attentions\.", r"up.\1.attn."),
    (r"up_blocks\.(\d+)\.upsamplers\.0\.", r"up.\1.upsample."),
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.", "mid.attn_1."),
    (r"\.group_norm\.", ".norm."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".proj_out."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.conv_norm_out\.", ".norm_out."),
)
_ATTENTION_WEIGHT = re.compile(r"(\.attn\.\d+|\.attn_1)\.(q|k|v|proj_out)\.weight$")


def first_stage_key_map(network: VQFirstStage, prefix: str = "") -> dict[str, str]:
    """Give our name of every published tensor of a first stage.

    Args:
        network: First stage of the same size.
        prefix: Beginning of the published names, such as ``first_stage_model.``.

    Returns:
        Our name by published name, in our order.
    """
    levels = network.factor.bit_length()
    return {prefix + _published(name, levels): name for name in network.state_dict()}


def first_stage_shapes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give published tensors our shapes; their attention is made of convolutions 1x1.

    Args:
        tensors: Tensors by published names, with or without a prefix; others are left as they are.
    """
    return {
        name: tensor.flatten(1) if _ATTENTION_WEIGHT.search(name) else tensor
        for name, tensor in tensors.items()
    }


def published_first_stage_shapes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give our tensors the published shapes.

    Args:
        tensors: Tensors by published names, with or without a prefix; others are left as they are.
    """
    return {
        name: tensor[:, :, None, None] if _ATTENTION_WEIGHT.search(name) else tensor
        for name, tensor in tensors.items()
    }


def _published(name: str, levels: int) -> str:
    """Give the published name of a tensor of ours."""
    for ours, published in _NAMES:
        name = re.sub(ours, published, name)
    return re.sub(
        r"^decoder\.up\.(\d+)", lambda found: f"decoder.up.{levels - 1 - int(found[1])}", name
    )
