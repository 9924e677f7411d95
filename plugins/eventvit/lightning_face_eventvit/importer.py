"""Published checkpoints of the event ViT and of its fusions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError
from lightning_face_eventvit.config_inference import infer_config, required
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.fusion import (
    EarlyFusion,
    LateFusion,
    MiddleFusion,
    PrivilegedFusion,
)

__all__ = [
    "PREFIXES",
    "STREAMS",
    "Fusion",
    "build_fusion",
    "fusion_config",
    "fusion_state_dict",
    "import_event_vit",
    "import_fusion",
    "import_privileged",
    "infer_config",
    "load_published",
    "network_state_dict",
]

Fusion = Literal["early", "middle", "late", "privileged-rgb", "privileged-event"]

MODULES = "lightning_face_eventvit.modules"
EVENT_VIT_MODULE = f"{MODULES}.event_vit_module.EventViTModule"
FUSION_MODULE = f"{MODULES}.fusion_module.FusionModule"
PRIVILEGED_MODULE = f"{MODULES}.privileged_module.PrivilegedModule"

# tensors that only an event ViT of one modality has all of
SIGNATURE = (
    "pos_embedding",
    "spatial_transformer.layers.0.0.temperature",
    "temporal_transformer.norm.weight",
)

# published prefix and ours, of the parts that a fusion uses
PREFIXES: dict[Fusion, dict[str, str]] = {
    "early": {"original_mod.": "vit."},
    "middle": {"backbone_event.": "event.", "backbone_rgb.": "rgb.", "temporal_encoder.": ""},
    "late": {"original_mod.": "event.", "priviledged_mod.": "rgb.", "fc.": "fc."},
    "privileged-rgb": {
        "original_mod.": "original.",
        "hall_model.": "hallucination.",
        "priviledged_mod.": "privileged.",
        "fc.": "fc.",
    },
    "privileged-event": {
        "model_rgb.": "original.",
        "model_rgb2.": "hallucination.",
        "model_event.": "privileged.",
        "fc.": "fc.",
    },
}

# our names of published tensors that take no part in the computation
IDLE: dict[Fusion, str] = {
    "early": r"^vit\.mlp_head\.",
    "middle": r"^(event|rgb)\.(temporal_|mlp_head)|^(pos_|cls_|to_patch_|spatial_)",
    "late": r"\.mlp_head\.",
    "privileged-rgb": r"\.mlp_head\.",
    "privileged-event": r"\.mlp_head\.",
}

# our prefix of the stream whose shapes say the settings, and its channels
STREAMS: dict[Fusion, tuple[str, int]] = {
    "early": ("vit.", 4),
    "middle": ("event.", 1),
    "late": ("event.", 1),
    "privileged-rgb": ("original.", 1),
    "privileged-event": ("original.", 3),
}

# the published tensor that has a row for each class
CLASS_SCORES: dict[Fusion, str] = {
    "early": "original_mod.mlp_head.1.weight",
    "middle": "temporal_encoder.mlp_head.1.weight",
    "late": "fc.3.weight",
    "privileged-rgb": "fc.3.weight",
    "privileged-event": "fc.3.weight",
}

# tensors by which other checkpoints give themselves away
OTHER_MODELS = {
    "a Lightning checkpoint of this framework, which needs no import": r"^network\.",
    "a network with RGB privileged, or a late fusion: import it as event-vit-privileged or "
    "event-vit-fusion": r"^priviledged_mod\.",
    "a network with events privileged: import it as event-vit-privileged": r"^model_rgb2\.",
    "a middle fusion: import it as event-vit-fusion": r"^backbone_event\.",
    "an early fusion, or a part of another: import it as event-vit-fusion": r"^original_mod\.",
    "an event ViT of one modality: import it as event-vit": (
        r"^spatial_transformer\.layers\.0\.0\.temperature"
    ),
    "a baseline of FACEMORPHIC: import it as facemorphic-baseline": (
        r"^(cnn_transformer|rgb_stream|event_stream|transformer_encoder|vivit|lstm|resnet_event)\."
        r"|^cls_token_decoder$"
    ),
    "vit-pytorch's ViT for small data sets, which has no temporal stage": (
        r"^to_patch_embedding\.to_patch_tokens\."
    ),
    "vit-pytorch's ViViT": r"^(spatial|temporal|factorized)_transformer\.",
    "vit-pytorch's ViT": r"^transformer\.layers\.0\.0\.",
    "a ViT of timm": r"^blocks\.0\.attn\.qkv\.",
    "Mamba-ST: import it as mamba-st": r"\.self_attention\.A_logs$|^(mamba|decode)\.",
    "a ResNet": r"^layer4\.1\.",
}


def import_event_vit(
    source: Path, *, image_size: int | tuple[int, int] | None = None, dim_head: int | None = None
) -> ImportedWeights:
    """Read a published checkpoint of one modality.

    Args:
        source: File with a state dict, ``.pth`` or ``.safetensors``.
        image_size: Side of the frames in pixels, or height and width, where it is not 224.
        dim_head: Width of a head, where it is not 64.

    Returns:
        Weights and settings of an `EventViTModule` that sees padding, as the published networks do.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    tensors = load_tensors(source)
    try:
        config = infer_config(network_state_dict(tensors), image_size=image_size, dim_head=dim_head)
        with torch.device("meta"):
            network = EventViT(**config)
        modality = {1: "event", 3: "rgb"}.get(config.pop("channels"))
        if modality is None:
            msg = "its frames have neither one channel, as events, nor three, as RGB"
            raise WeightsError(msg)
        names: dict[str, str | None] = {key: _plain(key) for key in tensors}
        arguments = {"modality": modality, **config, "mask_padding": False}
        return _imported(tensors, names, network, EVENT_VIT_MODULE, arguments)
    except WeightsError as error:
        msg = f"{source} is no complete checkpoint of one event ViT: {error}"
        raise WeightsError(msg) from None


def import_fusion(
    source: Path, *, image_size: int | tuple[int, int] | None = None, dim_head: int | None = None
) -> ImportedWeights:
    """Read a published checkpoint of an early, middle or late fusion.

    Tensors of parts that take no part in the computation are reported as ignored.

    Args:
        source: File with a state dict, ``.pth`` or ``.safetensors``.
        image_size: Side of the frames in pixels, or height and width, where it is not 224.
        dim_head: Width of a head, where it is not 64.

    Returns:
        Weights and settings of a `FusionModule` that sees padding and, in early fusion, takes
        features for scores, as published.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    tensors = load_tensors(source)
    prefixes = {_plain(key).partition(".")[0] for key in tensors}
    kind: Fusion = "late"
    if "backbone_event" in prefixes:
        kind = "middle"
    elif prefixes == {"original_mod"}:
        kind = "early"
    arguments: dict[str, Any] = {"fusion": kind}
    if kind == "early":
        arguments["early_head"] = "features"
    return _import_fusion(source, kind, FUSION_MODULE, arguments, tensors, image_size, dim_head)


def import_privileged(
    source: Path, *, image_size: int | tuple[int, int] | None = None, dim_head: int | None = None
) -> ImportedWeights:
    """Read a published checkpoint of a network with one modality privileged.

    Args:
        source: File with a state dict, ``.pth`` or ``.safetensors``.
        image_size: Side of the frames in pixels, or height and width, where it is not 224.
        dim_head: Width of a head, where it is not 64.

    Returns:
        Weights and settings of a `PrivilegedModule` that sees padding, as published.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    tensors = load_tensors(source)
    events = any(_plain(key).startswith("model_event.") for key in tensors)
    kind: Fusion = "privileged-event" if events else "privileged-rgb"
    arguments = {"privileged": "event" if events else "rgb"}
    return _import_fusion(source, kind, PRIVILEGED_MODULE, arguments, tensors, image_size, dim_head)


def load_published(path: Path | str) -> EventViT:
    """Load a published network of one modality, in evaluation mode.

    Args:
        path: File with a state dict, ``.pth`` or ``.safetensors``.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    imported = import_event_vit(Path(path))
    tensors = {key.removeprefix("network."): value for key, value in imported.state_dict.items()}
    network = EventViT(**infer_config(tensors))
    network.load_state_dict(tensors)
    return network.eval()


def network_state_dict(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of a published network of one modality the names of `EventViT`.

    These are the same, but for prefixes that wrappers leave behind.

    Raises:
        WeightsError: The tensors belong to another model.
    """
    plain = {_plain(key): value for key, value in tensors.items()}
    if not all(key in plain for key in SIGNATURE):
        raise WeightsError(_looks_like(plain))
    return plain


def fusion_state_dict(kind: Fusion, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of a published fusion the names of our network, and drop the idle ones.

    Args:
        kind: Which fusion. A late one and one with RGB privileged have the same names.
        tensors: Tensors by published names.
    """
    names = {key: _fusion_name(kind, key) for key in tensors}
    return {name: tensors[key] for key, name in names.items() if name is not None}


def fusion_config(
    kind: Fusion,
    tensors: Mapping[str, Tensor],
    *,
    image_size: int | tuple[int, int] | None = None,
    dim_head: int | None = None,
) -> dict[str, Any]:
    """Read the settings of a published fusion off the shapes of its tensors.

    Args:
        kind: Which fusion.
        tensors: Tensors by published names.
        image_size: Side of the frames in pixels, or height and width, where it is not 224.
        dim_head: Width of a head, where it is not 64.

    Returns:
        Arguments of `build_fusion`.

    Raises:
        WeightsError: Tensors are missing, or their shapes leave a setting open.
    """
    plain = {_plain(key): value for key, value in tensors.items()}
    state = fusion_state_dict(kind, plain)
    if not all(any(key.startswith(prefix) for key in plain) for prefix in PREFIXES[kind]):
        raise WeightsError(_looks_like(plain))
    stream, channels = STREAMS[kind]
    part = {key.removeprefix(stream): value for key, value in state.items()}
    config = infer_config(part, image_size=image_size, channels=channels, dim_head=dim_head)
    del config["channels"]
    config["num_classes"] = len(required(plain, CLASS_SCORES[kind]))
    return config


def build_fusion(kind: Fusion, config: Mapping[str, Any]) -> nn.Module:
    """Build the network of a published fusion.

    Args:
        kind: Which fusion.
        config: Settings, such as those of `fusion_config`.
    """
    if kind == "early":
        return EarlyFusion(head="features", **config)
    if kind == "middle":
        return MiddleFusion(**config)
    if kind == "late":
        return LateFusion(**config)
    return PrivilegedFusion("rgb" if kind == "privileged-rgb" else "event", **config)


def _import_fusion(
    source: Path,
    kind: Fusion,
    class_path: str,
    arguments: dict[str, Any],
    tensors: dict[str, Tensor],
    image_size: int | tuple[int, int] | None,
    dim_head: int | None,
) -> ImportedWeights:
    try:
        config = fusion_config(kind, tensors, image_size=image_size, dim_head=dim_head)
        with torch.device("meta"):
            network = build_fusion(kind, config)
        names = {key: _fusion_name(kind, _plain(key)) for key in tensors}
        arguments = {**arguments, **config, "mask_padding": False}
        return _imported(tensors, names, network, class_path, arguments)
    except WeightsError as error:
        msg = f"{source} is no complete checkpoint of a {kind} fusion: {error}"
        raise WeightsError(msg) from None


def _imported(
    tensors: dict[str, Tensor],
    names: dict[str, str | None],
    network: nn.Module,
    class_path: str,
    arguments: dict[str, Any],
) -> ImportedWeights:
    state, report = apply_key_map(
        tensors,
        {key: f"network.{name}" for key, name in names.items() if name is not None},
        {f"network.{name}": value for name, value in network.state_dict().items()},
    )
    return ImportedWeights(state, class_path, arguments, report)


def _plain(key: str) -> str:
    """Remove what wrappers of a network put before its names."""
    return re.sub(r"^(module\.|_orig_mod\.)+", "", key)


def _fusion_name(kind: Fusion, key: str) -> str | None:
    """Give our name of a published tensor; None if it takes no part in the computation."""
    for prefix, ours in PREFIXES[kind].items():
        if key.startswith(prefix):
            name = ours + key.removeprefix(prefix)
            return None if re.search(IDLE[kind], name) else name
    return None


def _looks_like(tensors: Mapping[str, Tensor]) -> str:
    for name, pattern in OTHER_MODELS.items():
        if any(re.search(pattern, key) for key in tensors):
            return f"it looks like {name}"
    return f"it looks like another model, with tensors such as {', '.join(sorted(tensors)[:3])}"
