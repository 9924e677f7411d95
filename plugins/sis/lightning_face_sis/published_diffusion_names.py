"""What the published code calls the tensors of SCA-DM, and the sizes that their shapes tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from lightning_face.errors import WeightsError
from lightning_face_sis.networks.first_stage_names import first_stage_key_map
from lightning_face_sis.published_names import published_generator_name

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = [
    "FIRST_STAGE",
    "NOMINAL_RESOLUTION",
    "STYLE_ENCODER",
    "UNET",
    "averaged_name",
    "diffusion_key_map",
    "infer_diffusion_config",
    "infer_first_stage_config",
]

UNET = "model.diffusion_model."
STYLE_ENCODER = "cond_stage_model."
FIRST_STAGE = "first_stage_model."

# of a picture with this side; it leaves no trace in a file
NOMINAL_RESOLUTION = 256


def averaged_name(name: str) -> str:
    """Give the name under which a published file keeps the average of a parameter of the UNet.

    Different names may lose their dots and become one, so that there is no way back.

    Args:
        name: Name of the parameter in the UNet.
    """
    return "model_ema." + f"diffusion_model.{name}".replace(".", "")


def diffusion_key_map(network: SemanticDiffusion, averaged: bool = False) -> dict[str, str]:
    """Give our name of every published tensor of the whole system.

    Args:
        network: A system of the same sizes.
        averaged: Whether the UNet is the averaged one.

    Returns:
        Our name by published name.
    """
    stage = first_stage_key_map(network.first_stage, FIRST_STAGE)
    names = {published: f"first_stage.{ours}" for published, ours in stage.items()}
    for name in network.state_dict():
        part, _, leaf = name.partition(".")
        if part == "unet":
            names[averaged_name(leaf) if averaged else UNET + leaf] = name
        elif part == "style_encoder":
            published = str(published_generator_name(name))
            names[STYLE_ENCODER + published.removeprefix("style_encoder.")] = name
        elif part == "schedule":
            names[leaf] = name
    return names


def infer_diffusion_config(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Read the settings of the whole system off the shapes of its tensors.

    Args:
        tensors: Tensors by published names.

    Returns:
        Settings for `SemanticDiffusion.from_config` under ``unet``, ``style_encoder``,
        ``first_stage`` and, where the file holds the noise levels, ``schedule``.

    Raises:
        WeightsError: Tensors are missing, or their shapes leave a setting open.
    """
    config = {
        "unet": _unet_config(_without(tensors, UNET)),
        "style_encoder": _style_encoder_config(_without(tensors, STYLE_ENCODER)),
        "first_stage": infer_first_stage_config(_without(tensors, FIRST_STAGE)),
    }
    if (betas := tensors.get("betas")) is not None:
        # what was rounded to 32 bits has seven digits
        ends = (float(f"{float(betas[place]):.7g}") for place in (0, -1))
        start, end = ends
        config["schedule"] = {
            "num_timesteps": len(betas),
            "linear_start": start,
            "linear_end": end,
        }
    return config


def infer_first_stage_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the settings of a `VQFirstStage` off the shapes of its tensors.

    Args:
        tensors: Tensors by published names, without a prefix.

    Raises:
        WeightsError: Tensors are missing.
    """
    codes = _shape(tensors, "quantize.embedding.weight")
    channels = _shape(tensors, "encoder.conv_in.weight")[0]
    levels = _num_levels(tensors)
    config: dict[str, Any] = {
        "num_embeddings": codes[0],
        "latent_channels": codes[1],
        "channels": channels,
        "channel_multipliers": tuple(
            _shape(tensors, f"encoder.down.{level}.block.0.conv1.weight")[0] // channels
            for level in range(levels)
        ),
        "num_res_blocks": _count(tensors, r"encoder\.down\.0\.block\.(\d+)\."),
    }
    attends = tuple(
        NOMINAL_RESOLUTION // 2**level
        for level in range(levels)
        if f"encoder.down.{level}.attn.0.norm.weight" in tensors
    )
    if attends:
        config |= {"attention_resolutions": attends, "resolution": NOMINAL_RESOLUTION}
    return config


def _unet_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    model_channels, in_channels = _shape(tensors, "input_blocks.0.0.weight")[:2]
    count = _count(tensors, r"input_blocks\.(\d+)\.")
    # a level ends where the way up doubles the sides
    ups = [
        int(match[1])
        for key in tensors
        if (match := re.match(r"output_blocks\.(\d+)\.[12]\.(?:conv|in_norm)\.", key))
    ]
    per_level = min(ups, default=count - 1) + 1
    starts = range(1, count, per_level)
    first = "input_blocks.1.0."
    width = _shape(tensors, f"{first}in_layers.2.weight")[0]
    attends = [
        2**level
        for level, start in enumerate(starts)
        if f"input_blocks.{start}.1.norm.weight" in tensors
    ]
    keys = _shape(tensors, "middle_block.1.transformer_blocks.0.attn2.to_k.weight")
    return {
        "num_classes": _shape(tensors, "label_emb.weight")[0],
        "in_channels": in_channels,
        "out_channels": _shape(tensors, "out.2.weight")[0],
        "model_channels": model_channels,
        "num_res_blocks": per_level - 1,
        "channel_multipliers": tuple(
            _shape(tensors, f"input_blocks.{start}.0.in_layers.2.weight")[0] // model_channels
            for start in starts
        ),
        "attention_resolutions": tuple(attends[::-1]),
        "context_dim": keys[1],
        "transformer_depth": _count(tensors, r"middle_block\.1\.transformer_blocks\.(\d+)\."),
        "use_scale_shift_norm": _shape(tensors, f"{first}emb_layers.1.weight")[0] == 2 * width,
        "resblock_updown": any(
            re.match(r"output_blocks\.\d+\.[12]\.in_norm\.", key) for key in tensors
        ),
    }


def _style_encoder_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    # one group of the grouped convolutions sees the channels of one class
    wide = _shape(tensors, "Encoder.first_layer.0.weight")[0]
    features = _shape(tensors, "Encoder.enc_layer_0.0.weight")[1]
    num_classes = wide // features
    return {
        "num_classes": num_classes,
        "style_dim": _shape(tensors, "out.out_0.0.weight")[0] // num_classes,
        "num_features": features,
        "num_downsamplings": _count(tensors, r"Encoder\.enc_layer_(\d+)\."),
        "num_upsamplings": _count(tensors, r"Decoder\.dec_layer_(\d+)\."),
        "skip_layout": "reference",
    }


def _num_levels(names: Iterable[str], prefix: str = "") -> int:
    return _count(names, rf"{re.escape(prefix)}encoder\.down\.(\d+)\.")


def _count(names: Iterable[str], pattern: str) -> int:
    """Count what is numbered from 0 in names."""
    found = [int(match[1]) for name in names if (match := re.match(pattern, name))]
    return 1 + max(found, default=-1)


def _without(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): each for key, each in tensors.items() if key.startswith(prefix)
    }


def _shape(tensors: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    if key not in tensors:
        msg = f"it has no {key}"
        raise WeightsError(msg)
    return tuple(tensors[key].shape)
