"""Networks of speech of the ``transformers`` library: settings, published files, names of weights.

Nothing is downloaded: a name of the Hugging Face hub is looked up in the local cache.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import ConfigError, WeightsError
from lightning_face.optional import optional_import

__all__ = [
    "PretrainedSpeech",
    "current_key",
    "infer_config",
    "network_class",
    "network_config",
    "plain_settings",
    "read_pretrained",
]

_CLASSES = {"hubert": "Hubert", "wav2vec2": "Wav2Vec2", "wavlm": "WavLM"}
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_FIRST_CONVOLUTION = "feature_extractor.conv_layers.0.conv.weight"
_POSITIONS = "encoder.pos_conv_embed.conv."
_WEIGHT_NORM = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}
# Networks whose heads are not 64 channels wide, by width.
_HEADS_BY_WIDTH = {1280: 16}


@dataclass(frozen=True)
class PretrainedSpeech:
    """A published network of speech, read from its files.

    Attributes:
        path: File of the weights.
        architecture: Family of the network: ``hubert``, ``wav2vec2`` or ``wavlm``.
        config: Settings by the names of the library, those it knows.
        tensors: Weights by their current names, without the parts for other tasks.
    """

    path: Path
    architecture: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]


def network_class(architecture: str) -> Any:  # noqa: ANN401
    """Return the class of the ``transformers`` library for a family of networks.

    Raises:
        ConfigError: The family is unknown, or ``transformers`` is not installed.
    """
    return getattr(optional_import("transformers", extra="speech"), _prefix(architecture) + "Model")


def network_config(architecture: str, config: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Build the settings of a network from those that differ from the defaults.

    Args:
        architecture: Family of the network.
        config: Settings by the names of the library.

    Raises:
        ConfigError: A setting is unknown or has an impossible value, or ``transformers`` is not
            installed.
    """
    known = _known_settings(architecture)
    unknown = sorted(set(config) - known)
    if unknown:
        raise ConfigError(
            f"{architecture} has no setting {unknown[0]!r}; it has {', '.join(sorted(known))}"
        )
    try:
        return _config_class(architecture)(**config)
    # the library's versions raise errors of several unrelated kinds here
    except Exception as error:
        reason = str(error).strip().replace("\n", " ")
        raise ConfigError(f"settings of the speech encoder ({architecture}): {reason}") from error


def plain_settings(architecture: str, config: Any) -> dict[str, Any]:  # noqa: ANN401
    """List the settings that differ from the defaults, as plain values.

    Args:
        architecture: Family of the network.
        config: Settings of the library's class.
    """
    defaults = _config_class(architecture)().to_dict()
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in config.to_dict().items()
        if name in _known_settings(architecture) and _plain(value) != _plain(defaults[name])
    }


def current_key(name: str) -> str:
    """Turn the name of a published tensor into the current name of the same tensor.

    Only the two parts of the weight normalisation of the positional convolution have changed
    their names.

    Args:
        name: Name in the file, with any prefix.
    """
    head, dot, leaf = name.rpartition(".")
    if f"{head}.".endswith(_POSITIONS) and leaf in _WEIGHT_NORM:
        return f"{head}{dot}{_WEIGHT_NORM[leaf]}"
    return name


def read_pretrained(source: Path | str) -> PretrainedSpeech:
    """Read the settings and weights of a published network.

    Args:
        source: Folder with ``config.json`` and ``model.safetensors`` or ``pytorch_model.bin``, a
            weights file (.safetensors, .bin, .pt), with its ``config.json`` beside it or else of
            the shapes of a published network, or a name of the Hugging Face hub, such as
            ``facebook/hubert-base-ls960``, that was downloaded before.

    Raises:
        WeightsError: There are no such files, or they hold no network of speech.
        CheckpointError: A weights file is damaged or needs code to be read.
    """
    path = _weights_file(source)
    stored = load_tensors(path)
    first = next((name for name in stored if name.endswith(_FIRST_CONVOLUTION)), None)
    if first is None:
        raise WeightsError(
            f"{path} holds no HuBERT, Wav2Vec2 or WavLM network in the layout of the transformers "
            f"library: it has no tensor named {_FIRST_CONVOLUTION}"
        )
    prefix = first.removesuffix(_FIRST_CONVOLUTION)
    tensors = {
        current_key(name.removeprefix(prefix)): tensor.float()
        for name, tensor in stored.items()
        if name.startswith(prefix)
    }
    settings = path.parent / "config.json"
    if settings.is_file():
        architecture, config = _read_settings(settings)
    else:
        wavlm = "encoder.layers.0.attention.rel_attn_embed.weight" in tensors
        architecture, config = "wavlm" if wavlm else "hubert", infer_config(tensors)
    return PretrainedSpeech(path, architecture, config, tensors)


def infer_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the settings of a network off the shapes of its weights.

    Strides are taken to be the published ones, and heads as wide as in the published networks,
    whose layers are normalised before the attention where all convolutions are normalised.

    Args:
        tensors: Weights, by current or published names without a prefix.

    Returns:
        Settings by the names of the ``transformers`` library.

    Raises:
        WeightsError: Tensors are missing, or no published network is of that width.
    """
    tensors = {current_key(name): tensor for name, tensor in tensors.items()}
    convolutions = _count(tensors, r"feature_extractor\.conv_layers\.(\d+)\.conv\.weight")
    try:
        shapes = [
            tensors[f"feature_extractor.conv_layers.{i}.conv.weight"].shape
            for i in range(convolutions)
        ]
        width = tensors["feature_projection.projection.weight"].shape[0]
        positions = tensors[f"{_POSITIONS}{_WEIGHT_NORM['weight_v']}"].shape
        inner = tensors["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape[0]
    except KeyError as error:
        raise WeightsError(
            f"the weights of the speech encoder lack {error.args[0]}: the file is another "
            "network's or incomplete"
        ) from None
    heads = _HEADS_BY_WIDTH.get(width, width // 64)
    if width % 64:
        raise WeightsError(
            f"a speech encoder of width {width} is none of the published ones: give the "
            "config.json beside its weights"
        )
    layer_norm = "feature_extractor.conv_layers.1.layer_norm.weight" in tensors
    return {
        "hidden_size": width,
        "num_hidden_layers": _count(tensors, r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "conv_dim": [shape[0] for shape in shapes],
        "conv_kernel": [shape[2] for shape in shapes],
        "conv_bias": "feature_extractor.conv_layers.0.conv.bias" in tensors,
        "feat_extract_norm": "layer" if layer_norm else "group",
        "do_stable_layer_norm": layer_norm,
        "num_conv_pos_embeddings": positions[2],
        "num_conv_pos_embedding_groups": width // positions[1],
    }


def _prefix(architecture: str) -> str:
    if architecture not in _CLASSES:
        raise ConfigError(
            f"architecture={architecture!r}: speech encoders are {', '.join(_CLASSES)}"
        )
    return _CLASSES[architecture]


def _config_class(architecture: str) -> Any:  # noqa: ANN401
    transformers = optional_import("transformers", extra="speech")
    return getattr(transformers, _prefix(architecture) + "Config")


def _known_settings(architecture: str) -> set[str]:
    # what every network of the library has says nothing about this one
    transformers = optional_import("transformers", extra="speech")
    own = _config_class(architecture)().to_dict()
    return set(own) - set(transformers.PretrainedConfig().to_dict()) - {"num_feat_extract_layers"}


def _plain(value: Any) -> Any:  # noqa: ANN401
    return list(value) if isinstance(value, tuple) else value


def _read_settings(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is not the settings of a network: {error}") from error
    architecture = content.get("model_type") if isinstance(content, dict) else None
    if architecture not in _CLASSES:
        raise WeightsError(
            f"{path} is of the model type {architecture!r}; speech encoders are "
            f"{', '.join(_CLASSES)}"
        )
    known = _known_settings(architecture)
    return architecture, {name: value for name, value in content.items() if name in known}


def _weights_file(source: Path | str) -> Path:
    path = Path(source).expanduser()
    if path.is_file():
        return path
    folder = path if path.is_dir() else _cached_folder(str(source))
    if folder is None:
        raise WeightsError(
            f"{source}: no such file or folder, and no network of that name is in the Hugging "
            "Face cache. Download the speech encoder once on a machine with a network, with "
            "'hf download facebook/hubert-base-ls960 --local-dir FOLDER', copy FOLDER here and "
            "give its path; without --local-dir it goes to the cache and its name is enough"
        )
    found = next((folder / name for name in _WEIGHT_FILES if (folder / name).is_file()), None)
    if found is None:
        raise WeightsError(f"{folder} has no weights file: {' or '.join(_WEIGHT_FILES)}")
    return found


def _cached_folder(name: str) -> Path | None:
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name):
        return None
    hub = optional_import("huggingface_hub", extra="speech")
    cached = hub.try_to_load_from_cache(name, "config.json")
    return Path(cached).parent if isinstance(cached, str) else None


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    numbers = [int(found[1]) for name in tensors if (found := re.match(pattern, name))]
    return max(numbers, default=-1) + 1
