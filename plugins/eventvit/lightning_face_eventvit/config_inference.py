"""Settings of a network, read off the shapes of its tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lightning_face.errors import WeightsError
from lightning_face_eventvit.networks.shifted_patch_tokenization import SHIFTS

__all__ = ["infer_config", "required"]

# the published size, which the files do not hold
IMAGE_SIZE = 224
DIM_HEAD = 64
# frames have one of these numbers of channels, the likelier ones first
CHANNELS = (1, 3, 4, 2)

PATCHES = "to_patch_embedding.to_patch_tokens."
SPATIAL = "spatial_transformer.layers."
TEMPORAL = "temporal_transformer.layers."

POSITIONS = {
    "temporal_position.table": "learned",
    "temporal_position.scale": "sincos",
    "temporal_position.speed": "rope",
}


def infer_config(
    tensors: Mapping[str, Tensor],
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    dim_head: int | None = None,
) -> dict[str, Any]:
    """Read the settings of an `EventViT` off the shapes of its tensors.

    Shapes leave open how the inner width is split into heads, and how many channels and pixels
    make up a patch. What is not given is taken as published: heads of 64, frames of 224x224
    pixels; if no patch fits these, the first number of channels that makes a square patch.

    Args:
        tensors: Tensors by the names of `EventViT`, which are the published ones.
        image_size: Side of the frames in pixels, or height and width.
        channels: Channels of a frame.
        dim_head: Width of a head.

    Returns:
        Arguments of `EventViT`, but for dropout.

    Raises:
        WeightsError: Tensors are missing, or their shapes leave a setting open.
    """
    rows, dim = required(tensors, "pos_embedding").shape[1:]
    values = len(required(tensors, f"{PATCHES}1.weight")) // len(SHIFTS)
    size, patch, channels = _frame_settings(values, rows - 1, image_size, channels)
    width = len(required(tensors, "temporal_transformer.norm.weight"))
    inner = len(required(tensors, f"{SPATIAL}0.0.to_qkv.weight")) // 3
    if f"{TEMPORAL}0.0.to_out.0.weight" not in tensors:
        # only one head as wide as a token does without
        heads, dim_head = 1, inner
    else:
        dim_head = dim_head or DIM_HEAD
        heads = inner // dim_head
        if heads * dim_head != inner or inner == dim_head == width:
            msg = (
                f"heads of {dim_head} values do not fit an inner width of {inner}, and the tensors "
                "do not tell the width of a head: give dim_head"
            )
            raise WeightsError(msg)
    config: dict[str, Any] = {
        "image_size": size,
        "patch_size": patch,
        "num_classes": len(tensors.get("mlp_head.1.weight", ())),
        "dim": dim,
        "depth": _count_blocks(tensors, SPATIAL),
        "temporal_depth": _count_blocks(tensors, TEMPORAL),
        "heads": heads,
        "mlp_dim": len(required(tensors, f"{SPATIAL}0.1.net.1.weight")),
        "dim_head": dim_head,
        "pool": "cls" if "temporal_cls_token" in tensors else "mean",
        "channels": channels,
    }
    for key, name in POSITIONS.items():
        if key in tensors:
            config["temporal_pos"] = name
    if "temporal_position.table" in tensors:
        config["max_frames"] = len(tensors["temporal_position.table"])
    return config


def _frame_settings(
    values: int, patches: int, image_size: int | tuple[int, int] | None, channels: int | None
) -> tuple[int | tuple[int, int], int, int]:
    """Find image size, patch size and channels, given the values of a patch and their number."""
    if channels is None:
        height, width = _pair(image_size or IMAGE_SIZE)
        patch = math.isqrt(height * width // patches)
        if patch and values % patch**2 == 0:
            channels = values // patch**2
        else:
            whole = (c for c in CHANNELS if math.isqrt(values // c) ** 2 * c == values)
            channels = next(whole, 1)
    patch = math.isqrt(values // channels)
    grid = math.isqrt(patches)
    if image_size is None:
        if grid**2 != patches:
            msg = f"the {patches} patches of a frame make no square: give image_size"
            raise WeightsError(msg)
        image_size = grid * patch
    height, width = _pair(image_size)
    if patch**2 * channels != values or (height // patch) * (width // patch) != patches:
        msg = (
            f"{patches} patches of {values} values do not make frames of {height}x{width} pixels: "
            "give the right image_size"
        )
        raise WeightsError(msg)
    return image_size, patch, channels


def _pair(image_size: int | tuple[int, int]) -> tuple[int, int]:
    return (image_size, image_size) if isinstance(image_size, int) else image_size


def required(tensors: Mapping[str, Tensor], key: str) -> Tensor:
    """Return a tensor by its name.

    Raises:
        WeightsError: There is none of that name.
    """
    if key not in tensors:
        msg = f"the tensor {key} is missing"
        raise WeightsError(msg)
    return tensors[key]


def _count_blocks(tensors: Mapping[str, Tensor], stack: str) -> int:
    pattern = re.compile(rf"{re.escape(stack)}(\d+)\.")
    return len({match[1] for key in tensors if (match := pattern.match(key))})
