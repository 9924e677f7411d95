"""Our weights under the published names."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lightning_face.errors import WeightsError
from lightning_face_eventvit.config_inference import infer_config
from lightning_face_eventvit.importer import PREFIXES, STREAMS, Fusion
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.shifted_patch_tokenization import SHIFTS

__all__ = ["export_reference"]

# channels of the published sub-networks; the temporal encoder of the middle fusion carries a
# spatial stage for RGB that never runs
CHANNELS: dict[Fusion, dict[str, int]] = {
    "early": {"original_mod.": 4},
    "middle": {"backbone_event.": 1, "backbone_rgb.": 3, "temporal_encoder.": 3},
    "late": {"priviledged_mod.": 3, "original_mod.": 1, "hall_model.": 1},
    "privileged-rgb": {"priviledged_mod.": 3, "original_mod.": 1, "hall_model.": 1},
    "privileged-event": {"model_event.": 1, "model_rgb.": 3, "model_rgb2.": 3},
}

# classes of a head that is not in use and of which the weights say nothing
NUM_CLASSES = 24


def export_reference(
    state_dict: Mapping[str, Tensor],
    kind: Fusion | None = None,
    *,
    idle: Mapping[str, Tensor] | None = None,
    dim_head: int | None = None,
) -> dict[str, Tensor]:
    """Give weights their published names, the inverse of the importers.

    The published fusions carry parts that never run, and which our networks do not have. They are
    filled up with start values, so that the result loads strictly.

    Args:
        state_dict: Weights of a network, or of a module that holds one as ``network``.
        kind: Which fusion; None is a network of one modality.
        idle: Tensors to fill up with, by published names, such as those that were imported.
        dim_head: Width of a head, where it is not 64; only fusions need it.

    Returns:
        Tensors by published names.

    Raises:
        WeightsError: The network has learnt positions in time, which the published ones lack.
    """
    state = {key.removeprefix("network."): value for key, value in state_dict.items()}
    for key in [key for key in state if key.startswith("temporal_position.")]:
        if state.pop(key).any():
            msg = f"{key} is in use: the published networks have no positions in time"
            raise WeightsError(msg)
    if kind is None:
        return state
    prefixes = sorted(PREFIXES[kind].items(), key=lambda item: -len(item[1]))
    named = {}
    for key, value in state.items():
        published, ours = next(item for item in prefixes if key.startswith(item[1]))
        named[published + key.removeprefix(ours)] = value
    return {**_start_values(kind, state, dim_head), **(idle or {}), **named}


def _start_values(
    kind: Fusion, state: Mapping[str, Tensor], dim_head: int | None
) -> dict[str, Tensor]:
    """Make all parts of a published fusion."""
    stream, channels = STREAMS[kind]
    part = {key.removeprefix(stream): value for key, value in state.items()}
    values = len(part["to_patch_embedding.to_patch_tokens.1.weight"]) // len(SHIFTS)
    patch = math.isqrt(values // channels)
    # a single row of patches has as many positions as the true grid, which is not known
    size = (patch, patch * (part["pos_embedding"].shape[1] - 1))
    config = infer_config(part, image_size=size, channels=channels, dim_head=dim_head)
    del config["channels"]
    scores = state.get("fc.3.weight", part.get("mlp_head.1.weight"))
    config["num_classes"] = NUM_CLASSES if scores is None else len(scores)
    tensors = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for prefix, number in CHANNELS[kind].items():
            settings = {**config, "channels": number}
            if prefix == "temporal_encoder.":
                settings["dim"] *= 2
            for key, value in EventViT(**settings).state_dict().items():
                tensors[prefix + key] = value
    return tensors
