"""Published checkpoints of ScanTalk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_face.audio.pretrained_speech import infer_config, network_config, plain_settings
from lightning_face.audio.speech_encoder import SpeechEncoder
from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_scantalk.networks.scantalk import ScanTalk

__all__ = [
    "build_scantalk",
    "export_reference",
    "import_scantalk",
    "infer_settings",
    "load_published",
    "network_state_dict",
    "published_name",
]

CLASS_PATH = "lightning_face_scantalk.modules.scantalk_module.ScanTalkModule"
SPEECH = "audio_encoder."

# what the training script and wrappers of a network put before its names
PREFIX = re.compile(r"^(autoencoder_state_dict\.|module\.|_orig_mod\.)+")
# parts of a training checkpoint that are no weights
TRAINING_STATE = re.compile(r"^optimizer_state_dict\.")

# our names, and what the published code calls them
RENAMED = (
    (re.compile(r"\bblocks\.(\d+)\."), r"block_\1."),
    (re.compile(r"\btimes$"), "diffusion_time"),
    (re.compile(r"\bmlp\.(\d+)\."), lambda found: f"mlp.miniMLP_mlp_layer_{int(found[1]):03d}."),
    (re.compile(r"\bparametrizations\.weight\.original0$"), "weight_g"),
    (re.compile(r"\bparametrizations\.weight\.original1$"), "weight_v"),
)

SIGNATURE = ("encoder.first_lin.weight", "decoder.first_lin.weight", "audio_embedding.weight")

# tensors by which other checkpoints give themselves away
OTHER_MODELS = {
    "a Lightning checkpoint of this framework, which needs no import": r"^network\.",
    "FaceFormer or one of its kind, which belong to one topology": (
        r"^(vertice_map|vertice_mapping|audio_feature_map|obj_vector)\b"
    ),
    "a network of speech alone, which model.speech_weights takes": (
        r"^((hubert|wav2vec2|wavlm)\.)?feature_extractor\.conv_layers\."
    ),
    "a DiffusionNet alone": r"^block_0\.diffusion\.diffusion_time$",
}


def import_scantalk(
    source: Path, *, speech_config: Mapping[str, Any] | None = None
) -> ImportedWeights:
    """Read a published checkpoint.

    The state of the optimiser, which training checkpoints hold besides, is left out.

    Args:
        source: File with a training checkpoint or a state dict, ``.pth.tar``, ``.pth`` or
            ``.safetensors``.
        speech_config: Settings of the speech encoder by the names of the ``transformers``
            library, where it has not the size of a published one.

    Returns:
        Weights and settings of a `ScanTalkModule`.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    tensors = {
        key: value for key, value in load_tensors(source).items() if not TRAINING_STATE.match(key)
    }
    try:
        settings = infer_settings(tensors, speech_config=speech_config)
        with torch.device("meta"):
            network = build_scantalk(settings)
        for name in ("in_channels", "out_channels"):
            if settings.pop(name) != 3:
                msg = f"its {name} are not the three of coordinates"
                raise WeightsError(msg)
        expected = {f"network.{key}": value for key, value in network.state_dict().items()}
        ours = {published_name(key): f"network.{key}" for key in network.state_dict()}
        names = {key: ours[name] for key in tensors if (name := _plain(key)) in ours}
        state, report = apply_key_map(tensors, names, expected)
    except (WeightsError, ConfigError) as error:
        msg = f"{source} is no complete checkpoint of ScanTalk: {error}"
        raise WeightsError(msg) from None
    return ImportedWeights(state, CLASS_PATH, settings, report)


def load_published(path: Path | str) -> ScanTalk:
    """Load a published network, in evaluation mode.

    Args:
        path: File with a training checkpoint or a state dict.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    imported = import_scantalk(Path(path))
    network = build_scantalk(imported.init_args)
    network.load_state_dict(
        {key.removeprefix("network."): value for key, value in imported.state_dict.items()}
    )
    return network.eval()


def infer_settings(
    tensors: Mapping[str, Tensor], *, speech_config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read the settings of a published network off the names and shapes of its tensors.

    Args:
        tensors: Tensors by published names, with or without the prefixes of wrappers.
        speech_config: Settings of the speech encoder, where it has not the size of a published
            one; of these, shapes leave the number of heads open.

    Returns:
        Arguments of `build_scantalk`.

    Raises:
        ConfigError: ``speech_config`` has settings that a speech encoder does not have.
        WeightsError: The tensors belong to another model, or some are missing.
    """
    plain = {_plain(key): value for key, value in tensors.items()}
    if not all(key in plain for key in SIGNATURE):
        raise WeightsError(_looks_like(plain))
    if any("miniMLP_mlp_layer_bn_" in key for key in plain):
        msg = (
            "it is of the authors' development branch, whose blocks normalise their hidden layers; "
            "the published networks do not"
        )
        raise WeightsError(msg)
    blocks = [_count(plain, rf"{part}\.block_(\d+)\.") for part in ("encoder", "decoder")]
    if blocks[0] != blocks[1] or not blocks[0]:
        msg = f"its encoder has {blocks[0]} blocks and its decoder {blocks[1]}, not as many"
        raise WeightsError(msg)
    speech = {
        key.removeprefix(SPEECH): value for key, value in plain.items() if key.startswith(SPEECH)
    }
    wavlm = "encoder.layers.0.attention.rel_attn_embed.weight" in speech
    architecture = "wavlm" if wavlm else "hubert"
    config = infer_config(speech) if speech_config is None else speech_config
    _required(plain, "lstm.weight_ih_l0")
    return {
        "latent_channels": len(plain["audio_embedding.weight"]),
        "in_channels": plain["encoder.first_lin.weight"].shape[1],
        "out_channels": len(_required(plain, "decoder.last_lin.weight")),
        "lstm_layers": _count(plain, r"lstm\.weight_ih_l(\d+)"),
        "num_blocks": blocks[0],
        "speech_config": plain_settings(architecture, network_config(architecture, config)),
        "speech_architecture": architecture,
    }


def build_scantalk(settings: Mapping[str, Any]) -> ScanTalk:
    """Build the network of some settings.

    Args:
        settings: Arguments of `ScanTalk`, with ``speech_config`` and ``speech_architecture`` in
            the place of the encoder of speech; such as those of `infer_settings`.
    """
    others = dict(settings)
    encoder = SpeechEncoder(others.pop("speech_config"), others.pop("speech_architecture"))
    return ScanTalk(encoder, **others)


def network_state_dict(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give published tensors the names of a network, or of a part of one.

    Args:
        network: The network.
        tensors: Tensors by published names, with or without the prefixes of wrappers.

    Returns:
        Those that the network has.
    """
    plain = {_plain(key): value for key, value in tensors.items()}
    names = {key: published_name(key) for key in network.state_dict()}
    return {key: plain[name] for key, name in names.items() if name in plain}


def export_reference(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give weights their published names, the inverse of the importer.

    Args:
        state_dict: Weights of a network, or of a module that holds one as ``network``.

    Returns:
        Tensors by published names; the published code finds them under the key
        ``autoencoder_state_dict`` of a checkpoint.
    """
    return {
        published_name(key.removeprefix("network.")): value for key, value in state_dict.items()
    }


def published_name(name: str) -> str:
    """Give the published name of a tensor of ours; published names stay as they are."""
    for pattern, replacement in RENAMED:
        name = pattern.sub(replacement, name)
    return name


def _plain(key: str) -> str:
    return published_name(PREFIX.sub("", key))


def _required(tensors: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in tensors:
        msg = f"the tensor {key} is missing"
        raise WeightsError(msg)
    return tensors[key]


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    return len({found[1] for key in tensors if (found := re.match(pattern, key))})


def _looks_like(tensors: Mapping[str, Tensor]) -> str:
    for name, pattern in OTHER_MODELS.items():
        if any(re.search(pattern, key) for key in tensors):
            return f"it looks like {name}"
    return f"it looks like another model, with tensors such as {', '.join(sorted(tensors)[:3])}"
