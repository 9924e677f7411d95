"""Published checkpoints of EmoVOCA's three networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_face.audio.pretrained_speech import (
    current_key,
    infer_config,
    network_config,
    plain_settings,
)
from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import HIERARCHY_FILE
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.es2l import ES2L
from lightning_face_emovoca.networks.spiral_tables import SpiralTables
from lightning_face_emovoca.published_files import beside, find_checkpoint, published_tensors

__all__ = ["export_reference", "import_desd", "import_es2d", "import_es2l"]

MODULES = "lightning_face_emovoca.modules"
TABLES, SPEECH = "tables.", "audio_encoder."

# tensors by which checkpoints give themselves away
KINDS = {
    "DE-SD, which emovoca-desd imports": r"^fc_latent_enc_(talk|emo)\.",
    "ES2L, which emovoca-es2l imports": r"^(label|intensity)_mapper\.",
    "ES2D, which emovoca-es2d imports": r"^fc_latent_dec\.",
    "a Lightning checkpoint of this framework, which needs no import": r"^network\.",
    "ScanTalk, which belongs to lightning-face-scantalk": r"^audio_embedding\.",
    "the predecessor S2L, which knows no emotions": r"^(audio_mapper|output_mapper)\.",
    "FaceFormer or one of its kind": (
        r"^(vertice_map|vertice_mapping|audio_feature_map|obj_vector)\b"
    ),
    "a network of speech alone, which model.speech_weights takes": (
        r"^((hubert|wav2vec2|wavlm)\.)?feature_extractor\.conv_layers\."
    ),
}

Named = Mapping[str, tuple[str, Tensor]]


def import_desd(source: Path, *, activation: str = "elu") -> ImportedWeights:
    """Read a published generator of the data set, with the template it was trained on.

    Args:
        source: ``emovoca_generator.tar`` with ``downsampling_matrices.pkl`` beside it, or the
            folder that has both.
        activation: Activation of the network's convolutions, which no checkpoint tells.

    Returns:
        Weights and settings of a `DESDModule`; the mesh hierarchy is among the weights.

    Raises:
        WeightsError: The tensors belong to another model or template, or some are missing.
        CheckpointError: The file is missing, damaged, or needs code to be read.
        DataError: The template is damaged.
    """
    path = find_checkpoint(source, "emovoca_generator.tar")
    found = published_tensors(path)
    try:
        _check_kind(found, "DE-SD, which emovoca-desd imports")
        hierarchy = beside(path)
        latent = _tensor(found, "fc_latent_enc_talk.weight")
        encoder = _level_widths(found, "conv_talk", 3, hierarchy.spiral_lengths[:-1])
        coarse, decoder = _decoder_widths(found, hierarchy)
        settings: dict[str, Any] = {
            **_sizes(hierarchy),
            "latent_size": len(latent),
            "encoder_widths": encoder,
            "decoder_widths": [coarse, *decoder],
            "activation": activation,
            "level0_shift": True,
            "unit": "m",
        }
        with torch.device("meta"):
            network = DESD(**settings)
        return _imported(found, network, hierarchy, "de_sd_module.DESDModule", settings)
    except (WeightsError, ConfigError) as error:
        raise WeightsError(f"{path} is no complete checkpoint of DE-SD: {error}") from None


def import_es2d(source: Path, *, activation: str = "elu") -> ImportedWeights:
    """Read a published network from landmarks to vertices, with the template it was trained on.

    Args:
        source: ``es2d.tar`` with ``downsampling_matrices.pkl`` beside it, or the folder that has
            both.
        activation: Activation of the network's convolutions, which no checkpoint tells.

    Returns:
        Weights and settings of an `ES2DModule`; the mesh hierarchy is among the weights.

    Raises:
        WeightsError: The tensors belong to another model or template, or some are missing.
        CheckpointError: The file is missing, damaged, or needs code to be read.
        DataError: The template is damaged.
    """
    path = find_checkpoint(source, "es2d.tar")
    found = published_tensors(path)
    try:
        _check_kind(found, "ES2D, which emovoca-es2d imports")
        hierarchy = beside(path)
        coarse, decoder = _decoder_widths(found, hierarchy)
        settings: dict[str, Any] = {
            **_sizes(hierarchy),
            "decoder_widths": [coarse, *decoder],
            "num_landmarks": _tensor(found, "fc_latent_dec.weight").shape[1] // 3,
            "activation": activation,
            "unit": "m",
            "landmark_scale": 1.0,
        }
        with torch.device("meta"):
            network = ES2D(**settings)
        return _imported(found, network, hierarchy, "es2d_module.ES2DModule", settings)
    except (WeightsError, ConfigError) as error:
        raise WeightsError(f"{path} is no complete checkpoint of ES2D: {error}") from None


def import_es2l(source: Path, *, speech_config: Mapping[str, Any] | None = None) -> ImportedWeights:
    """Read a published network from speech to landmarks.

    Args:
        source: ``es2l.tar``, or the folder that has it.
        speech_config: Settings of the speech encoder by the names of the ``transformers``
            library, where it has not the size of a published one; of these, shapes leave the
            number of heads open.

    Returns:
        Weights and settings of an `ES2LModule`.

    Raises:
        WeightsError: The tensors belong to another model, or some are missing.
        CheckpointError: The file is missing, damaged, or needs code to be read.
    """
    path = find_checkpoint(source, "es2l.tar")
    found = {current_key(name): each for name, each in published_tensors(path).items()}
    try:
        _check_kind(found, "ES2L, which emovoca-es2l imports")
        landmarks = len(_tensor(found, "output_mapper.weight")) / 3
        if landmarks != 68:
            raise WeightsError(f"it is for {landmarks:g} landmarks, not for 68")
        if speech_config is None:
            speech_config = infer_config(
                {
                    name.removeprefix(SPEECH): tensor
                    for name, (_, tensor) in found.items()
                    if name.startswith(SPEECH)
                }
            )
        settings: dict[str, Any] = {
            "num_emotions": _tensor(found, "label_mapper.weight").shape[1],
            "num_intensities": _tensor(found, "intensity_mapper.weight").shape[1],
            "feature_dim": len(_tensor(found, "audio_mapper.weight")),
            "num_layers": sum(bool(re.fullmatch(r"lstm\.weight_ih_l\d+", name)) for name in found),
            "speech_config": plain_settings("wav2vec2", network_config("wav2vec2", speech_config)),
            "speech_architecture": "wav2vec2",
        }
        with torch.device("meta"):
            network = ES2L(**settings)
        return _imported(found, network, None, "es2l_module.ES2LModule", settings)
    except (WeightsError, ConfigError) as error:
        raise WeightsError(f"{path} is no complete checkpoint of ES2L: {error}") from None


def export_reference(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give weights their published names, the inverse of the importers.

    The published code finds them under the key ``autoencoder_state_dict`` of a checkpoint, and
    the mesh hierarchy, which is left out, in a file that `write_published_hierarchy` makes.

    Args:
        state_dict: Weights of one of the networks, or of a module that holds it as ``network``.
            The published code knows the unit "m" and a ``landmark_scale`` of 1 alone.

    Returns:
        Tensors by published names.
    """
    plain = {key.removeprefix("network."): value for key, value in state_dict.items()}
    renamed = {"original0": "weight_g", "original1": "weight_v"}
    return {
        re.sub(
            r"\bparametrizations\.weight\.(original[01])$", lambda match: renamed[match[1]], key
        ): value
        for key, value in plain.items()
        if not key.startswith(TABLES)
    }


def _imported(
    found: Named,
    network: nn.Module,
    hierarchy: MeshHierarchy | None,
    module: str,
    settings: dict[str, Any],
) -> ImportedWeights:
    """Name the tensors as the module does, those of the mesh hierarchy among them."""
    expected = {f"network.{key}": value for key, value in network.state_dict().items()}
    tensors = dict(found.values())
    names = {key: f"network.{plain}" for plain, (key, _) in found.items()}
    if hierarchy is not None:
        tables = SpiralTables(hierarchy.level_sizes, hierarchy.spiral_lengths)
        tables.load_hierarchy(hierarchy)
        for key, tensor in tables.state_dict().items():
            tensors[f"{HIERARCHY_FILE}: {key}"] = tensor
            names[f"{HIERARCHY_FILE}: {key}"] = f"network.{TABLES}{key}"
    state, report = apply_key_map(tensors, names, expected)
    return ImportedWeights(state, f"{MODULES}.{module}", settings, report)


def _check_kind(found: Named, wanted: str) -> None:
    """Refuse the tensors of another model, by its name."""
    for kind, pattern in KINDS.items():
        if any(re.search(pattern, name) for name in found):
            if kind != wanted:
                raise WeightsError(f"it looks like {kind}")
            return
    raise WeightsError(
        f"it looks like another model, with tensors such as {', '.join(sorted(found)[:3])}"
    )


def _tensor(found: Named, name: str) -> Tensor:
    if name not in found:
        raise WeightsError(f"the tensor {name} is missing")
    return found[name][1]


def _sizes(hierarchy: MeshHierarchy) -> dict[str, list[int]]:
    return {
        "level_sizes": list(hierarchy.level_sizes),
        "spiral_lengths": list(hierarchy.spiral_lengths),
    }


def _decoder_widths(found: Named, hierarchy: MeshHierarchy) -> tuple[int, list[int | list[int]]]:
    """Read the width of the coarsest level and those of the convolutions off the shapes."""
    values, rows = len(_tensor(found, "fc_latent_dec.weight")), hierarchy.level_sizes[-1] + 1
    if values % rows:
        raise WeightsError(
            f"its decoder starts from {values} values, which are not some for each of the {rows} "
            f"vertices of the coarsest level of {HIERARCHY_FILE}: it belongs to another template"
        )
    coarse = values // rows
    return coarse, _level_widths(found, "dconv", coarse, hierarchy.spiral_lengths[-2::-1])


def _level_widths(
    found: Named, part: str, in_channels: int, spiral_lengths: Sequence[int]
) -> list[int | list[int]]:
    """Tell from the shapes of convolutions which belong to which level."""
    count = sum(bool(re.fullmatch(rf"{part}\.\d+\.conv\.weight", name)) for name in found)
    widths, lengths = [], []
    for index in range(count):
        width, values = _tensor(found, f"{part}.{index}.conv.weight").shape
        lengths.append(values / in_channels)
        widths.append(width)
        in_channels = width
    for counts in _divisions(lengths, spiral_lengths):
        numbers = iter(widths)
        listed = [[next(numbers) for _ in range(each)] for each in counts]
        return [each if len(each) > 1 else each[0] for each in listed]
    raise WeightsError(
        f"the convolutions of {part} go along spirals of {', '.join(f'{x:g}' for x in lengths)} "
        f"vertices, those of {HIERARCHY_FILE} have {', '.join(map(str, spiral_lengths))} on its "
        "levels: it belongs to another template"
    )


def _divisions(lengths: Sequence[float], levels: Sequence[int]) -> Iterator[list[int]]:
    """Yield how many convolutions each level may have, those with most on the last levels first."""
    if not levels:
        if not lengths:
            yield []
        return
    for count in range(1, len(lengths) - len(levels) + 2):
        if lengths[count - 1] != levels[0]:
            return
        for others in _divisions(lengths[count:], levels[1:]):
            yield [count, *others]
