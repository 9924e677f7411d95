"""Published checkpoints of the networks that the papers compare with."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_eventvit.networks.baselines import BASELINES

__all__ = ["import_baseline", "infer_settings", "network_state_dict", "recognise"]

CLASS_PATH = "lightning_face_eventvit.modules.baseline_module.BaselineModule"

IMAGE_SIZE = 224
DIM_HEAD = 64

# tensors that only one network has all of, the more particular ones first
SIGNATURES: dict[str, tuple[str, ...]] = {
    "cnn-transformer-alpha": ("fc_alpha.weight", "cnn_transformer.conv1.weight"),
    "two-stream-cnn": ("rgb_stream.conv1.weight", "event_stream.conv1.weight"),
    "two-stream-resnet": ("cls_token_event", "cls_token_rgb", "resnet_event.resnet.conv1.weight"),
    "encoder-decoder": ("cls_token_decoder", "encoder.to_patch_embedding.1.weight"),
    "vivit": ("vivit.pos_embedding", "vivit.to_patch_embedding.1.weight"),
    "resnet-lstm": ("resnet.conv1.weight", "lstm.weight_ih_l0"),
    "cnn-lstm": ("conv1.weight", "lstm.weight_ih_l0"),
    "cnn-transformer": ("conv1.weight", "transformer_encoder.cls_tokens"),
    "alpha-transformer": ("transformer_encoder.cls_tokens", "fc.weight"),
    "alpha-lstm": ("lstm.weight_ih_l0", "fc.weight"),
}

# tensors by which other models give themselves away
OTHER_MODELS = {
    "the event ViT: use the importer event-vit": r"^to_patch_embedding\.to_patch_tokens\.",
    "a fusion of two event ViTs: use the importer event-vit-fusion": (
        r"^(original_mod|backbone_event|model_event)\."
    ),
    "the encoder-decoder over ResNet-18, which is not among the baselines": (
        r"^resnet\.resnet\.|^cls_token_decoder"
    ),
    "ResNet-18 alone: give it as model.backbone_weights": r"^layer4\.1\.conv2\.weight",
    "a Lightning checkpoint of this framework, which needs no import": r"^network\.",
}


def import_baseline(source: Path) -> ImportedWeights:
    """Read a published checkpoint of any baseline.

    The network is told by its tensors, its settings by their shapes. What these leave open, the
    patches of a ViViT, is taken as in `infer_settings`.

    Args:
        source: File with a state dict, ``.safetensors`` or ``.pth``.

    Returns:
        Weights and settings of a `BaselineModule`.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    source = Path(source)
    tensors = load_tensors(source)
    plain = {key.removeprefix("module."): value for key, value in tensors.items()}
    try:
        name = recognise(plain)
        settings = infer_settings(name, plain)
        with torch.device("meta"):
            expected = BASELINES[name](**settings).state_dict()
        state, report = apply_key_map(
            tensors,
            {key: f"network.{_our_key(name, key.removeprefix('module.'))}" for key in tensors},
            {f"network.{key}": value for key, value in expected.items()},
        )
    except (ConfigError, WeightsError) as error:
        raise WeightsError(f"{source} cannot be imported as a baseline: {error}") from None
    num_classes, channels = settings.pop("num_classes"), settings.get("channels", 1)
    arguments = {
        "network": name,
        "network_args": settings,
        "num_classes": num_classes,
        "modality": "rgb" if channels == 3 else "event",
    }
    return ImportedWeights(state, CLASS_PATH, arguments, report)


def recognise(tensors: Mapping[str, Tensor]) -> str:
    """Tell a baseline by its tensors.

    Returns:
        Its name in `BASELINES`.

    Raises:
        WeightsError: It is none of them; the message says what it looks like.
    """
    for name, keys in SIGNATURES.items():
        if all(key in tensors for key in keys):
            return name
    for name, pattern in OTHER_MODELS.items():
        if any(re.search(pattern, key) for key in tensors):
            raise WeightsError(f"it looks like {name}")
    examples = ", ".join(sorted(tensors)[:3])
    raise WeightsError(f"it looks like another model, with tensors such as {examples}")


def network_state_dict(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the published tensors of a baseline to those of its network.

    Only the two-stream ResNet differs: one of its trunks is used by nothing and left out.
    """
    return {
        _our_key(name, key): value
        for key, value in tensors.items()
        if not (name == "two-stream-resnet" and key.startswith("resnet_rgb."))
    }


def infer_settings(
    name: str,
    tensors: Mapping[str, Tensor],
    patch_size: int | None = None,
    frame_patch_size: int | None = None,
) -> dict[str, Any]:
    """Read the constructor arguments of a baseline off the shapes of its published tensors.

    Args:
        name: Name in `BASELINES`.
        tensors: Published tensors.
        patch_size: Height and width of a patch of a ViViT in pixels, which its tensors do not
            say; None is what makes frames of 224x224, or else the largest that is possible.
        frame_patch_size: Frames of such a patch; None is one, or as many as 3 channels or 1 leave.

    Raises:
        WeightsError: The tensors that say it are missing or of impossible shapes.
    """
    try:
        if name == "vivit":
            return _vivit(tensors, patch_size, frame_patch_size)
        return _SETTINGS[name](tensors)
    except KeyError as error:
        raise WeightsError(f"it looks like {name}, without {error.args[0]}") from None
    except (ValueError, IndexError, ZeroDivisionError):
        raise WeightsError(f"it looks like {name}, with tensors of impossible shapes") from None


def _our_key(name: str, key: str) -> str:
    if name == "two-stream-resnet":
        return key.replace("resnet_event.resnet.", "resnet_event.", 1)
    return key


def _cnn_transformer(tensors: Mapping[str, Tensor], prefix: str = "") -> dict[str, Any]:
    return {
        "num_classes": len(tensors[f"{prefix}fc2.weight"]),
        "hidden_dim": len(tensors[f"{prefix}fc1.weight"]),
        "channels": tensors[f"{prefix}conv1.weight"].shape[1],
    }


def _cnn_transformer_alpha(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {
        **_cnn_transformer(tensors, "cnn_transformer."),
        "num_alphas": len(tensors["fc_alpha.weight"]),
    }


def _two_stream_cnn(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {
        "num_classes": len(tensors["fc.weight"]),
        "hidden_dim": len(tensors["event_stream.fc1.weight"]),
    }


def _alpha_transformer(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    classes, alphas = tensors["fc.weight"].shape
    return {"num_classes": classes, "num_alphas": alphas}


def _alpha_lstm(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    classes, hidden = tensors["fc.weight"].shape
    alphas = tensors["lstm.weight_ih_l0"].shape[1]
    return {"num_classes": classes, "num_alphas": alphas, "hidden_dim": hidden}


def _cnn_lstm(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    classes, hidden = tensors["fc2.weight"].shape
    return {"num_classes": classes, "hidden_dim": hidden}


def _resnet_lstm(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    classes, hidden = tensors["fc.weight"].shape
    return {"num_classes": classes, "hidden_dim": hidden}


def _two_stream_resnet(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    classes, hidden = tensors["fc2.weight"].shape
    mlp_dim = len(tensors["encoder_event.layers.0.1.net.1.weight"])
    return {"num_classes": classes, "hidden_dim": hidden, "mlp_dim": mlp_dim}


def _encoder_decoder(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    dim = tensors["cls_token_decoder"].shape[-1]
    classes, flat = tensors["fc1.weight"].shape
    grid = _square_root(tensors["pos_embedding"].shape[1] - 1, "pos_embedding")
    patch_size = IMAGE_SIZE // grid
    elements = len(tensors["encoder.to_patch_embedding.1.weight"])
    return {
        "num_classes": classes,
        "num_frames": flat // dim,
        "dim": dim,
        "mlp_dim": len(tensors["decoder.layers.0.linear1.weight"]),
        "patch_size": patch_size,
        "channels": elements // patch_size**2,
    }


def _vivit(
    tensors: Mapping[str, Tensor], patch_size: int | None, frame_patch_size: int | None
) -> dict[str, Any]:
    _, slots, patches, dim = tensors["vivit.pos_embedding"].shape
    grid = _square_root(patches, "vivit.pos_embedding")
    elements = len(tensors["vivit.to_patch_embedding.1.weight"])
    patch_size = patch_size or _largest_patch(elements, IMAGE_SIZE // grid)
    per_pixel = elements // patch_size**2
    # events have one channel and RGB three; a patch of three event frames is taken for RGB
    channels = 3 if per_pixel % 3 == 0 else 1
    if frame_patch_size:
        channels = per_pixel // frame_patch_size
    block = "vivit.spatial_transformer.layers.0."
    return {
        "num_classes": len(tensors["vivit.mlp_head.weight"]),
        "image_size": grid * patch_size,
        "num_frames": slots * per_pixel // channels,
        "patch_size": patch_size,
        "frame_patch_size": per_pixel // channels,
        "dim": dim,
        "spatial_depth": _count_layers(tensors, "vivit.spatial_transformer"),
        "temporal_depth": _count_layers(tensors, "vivit.temporal_transformer"),
        "heads": len(tensors[f"{block}0.to_qkv.weight"]) // (3 * DIM_HEAD),
        "mlp_dim": len(tensors[f"{block}1.net.1.weight"]),
        "channels": channels,
    }


def _largest_patch(elements: int, published: int) -> int:
    if elements % published**2 == 0:
        return published
    return max(side for side in range(1, math.isqrt(elements) + 1) if elements % side**2 == 0)


def _square_root(number: int, key: str) -> int:
    root = math.isqrt(number)
    if root**2 != number or not 0 < root <= IMAGE_SIZE:
        raise WeightsError(f"{key} has positions for {number} patches, which make no square")
    return root


def _count_layers(tensors: Mapping[str, Tensor], stack: str) -> int:
    pattern = re.compile(rf"{re.escape(stack)}\.layers\.(\d+)\.")
    return len({match[1] for key in tensors if (match := pattern.match(key))})


_SETTINGS: dict[str, Callable[[Mapping[str, Tensor]], dict[str, Any]]] = {
    "cnn-transformer": _cnn_transformer,
    "cnn-transformer-alpha": _cnn_transformer_alpha,
    "two-stream-cnn": _two_stream_cnn,
    "alpha-transformer": _alpha_transformer,
    "alpha-lstm": _alpha_lstm,
    "cnn-lstm": _cnn_lstm,
    "encoder-decoder": _encoder_decoder,
    "resnet-lstm": _resnet_lstm,
    "two-stream-resnet": _two_stream_resnet,
}
