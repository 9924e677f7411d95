"""Published Mamba-ST checkpoints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError
from lightning_face_mambast.mambast import MambaST

__all__ = [
    "export_reference",
    "import_mamba_st",
    "infer_settings",
    "network_name",
    "network_state_dict",
]

CLASS_PATH = "lightning_face_mambast.module.MambaSTModule"

# published file name and key prefix, and where the tensors go in the network
PARTS = {"mamba": "core", "decoder": "decoder", "embedding": "embedding"}
PREFIXES = {"mamba": "core", "decode": "decoder", "embedding": "embedding"}

# tensors by which checkpoints of related models give themselves away
OTHER_MODELS = {
    "one of the three files: give the folder that holds them": (
        r"^encoder_c\.layers\.0\.self_attention|^28\.weight|^proj\.weight"
    ),
    "StyTr2, the transformer this family started from": r"multihead_attn\.|encoder_[cs]\..*linear1",
    "VMamba": r"patch_embed\.|classifier\.head",
    "MambaIR": r"conv_first\.|layers\.\d+\.residual_group",
    "AdaIN or another VGG19 encoder": r"^(features\.)?0\.weight$",
    "a Mamba language model": r"backbone\.layers|lm_head",
    "a Lightning checkpoint of this framework, which needs no import": r"^network\.core\.",
}


def import_mamba_st(source: Path) -> ImportedWeights:
    """Read a published checkpoint.

    Args:
        source: A folder with ``mamba_iter_N.pth``, ``decoder_iter_N.pth`` and
            ``embedding_iter_N.pth``, of which the largest complete N is taken; or one file,
            ``.safetensors`` or ``.pth``, whose keys start with ``mamba.``, ``decode.`` and
            ``embedding.``. Keys that start with ``vgg.`` are ignored.

    Returns:
        Weights and settings of a `MambaSTModule`. Tensors that the network carries without using
        them are kept.

    Raises:
        WeightsError: A part is missing, the folder has no three files of one iteration, or the
            tensors belong to another model.
    """
    source = Path(source)
    other_files: list[str] = []
    if source.is_dir():
        tensors, other_files = _read_folder(source)
    elif source.is_file():
        tensors = load_tensors(source)
    else:
        msg = f"no Mamba-ST checkpoint at {source}: give a folder or a file"
        raise WeightsError(msg)
    state, _ = network_state_dict(tensors, str(source))
    settings = infer_settings(state, str(source))
    with torch.device("meta"):
        expected = MambaST(**settings).state_dict()
    key_map = {key: f"network.{name}" for key in tensors if (name := network_name(key))}
    try:
        state, report = apply_key_map(
            tensors, key_map, {f"network.{name}": value for name, value in expected.items()}
        )
    except WeightsError as error:
        msg = f"{source} is not a complete Mamba-ST checkpoint: {error}"
        raise WeightsError(msg) from None
    report.ignored.extend(other_files)
    return ImportedWeights(state, CLASS_PATH, settings, report)


def network_state_dict(
    tensors: dict[str, Tensor], source: str
) -> tuple[dict[str, Tensor], list[str]]:
    """Rename the tensors of a published checkpoint to those of `MambaST`.

    Args:
        tensors: Tensors whose keys start with ``mamba.``, ``decode.`` or ``embedding.``, or with
            ``module.`` before that.
        source: Name of the checkpoint for errors.

    Returns:
        The state dict of the network and the keys that are no part of it.

    Raises:
        WeightsError: A part is missing.
    """
    state = {name: value for key, value in tensors.items() if (name := network_name(key))}
    ignored = [key for key in tensors if network_name(key) is None]
    for prefix, part in PREFIXES.items():
        if not any(key.startswith(f"{part}.") for key in state):
            msg = f"{source} has no tensors that start with {prefix}.: {_looks_like(tensors)}"
            raise WeightsError(msg)
    return state, ignored


def network_name(key: str) -> str | None:
    """Give the name in `MambaST` of a tensor by its published one; None if it has none."""
    prefix, _, rest = re.sub(r"(^|\.)module\.", r"\1", key).partition(".")
    if prefix not in PREFIXES:
        return None
    return f"{PREFIXES[prefix]}.{rest.replace('.self_attention.', '.ss2d.')}"


def export_reference(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give tensors their published names back, the inverse of `import_mamba_st`.

    Args:
        state_dict: State dict of a `MambaSTModule` or of a `MambaST`.

    Returns:
        Tensors with the prefixes ``mamba.``, ``decode.`` and ``embedding.``.
    """
    return {
        _reference_name(key.removeprefix("network.")): value for key, value in state_dict.items()
    }


def infer_settings(state: dict[str, Tensor], source: str) -> dict[str, Any]:
    """Read the settings of a network off the shapes of its tensors.

    Whether style tokens are shuffled is not stored; the published networks do it. A position code
    is not stored either; they have none.

    Raises:
        WeightsError: The tensors that say it are missing.
    """
    first = "core.decoder.layers.0."
    try:
        width = state[f"{first}skip_scale"].shape[0]
        inner = state[f"{first}ss2d.out_norm.weight"].shape[0]
        return {
            "width": width,
            "d_state": state[f"{first}ss2d.A_logs"].shape[1],
            "num_encoder_layers": _count_layers(state, "core.encoder_c"),
            "num_decoder_layers": _count_layers(state, "core.decoder"),
            "expand": inner / width,
            "dt_rank": state[f"{first}ss2d.dt_projs_weight"].shape[2],
        }
    except KeyError as error:
        msg = (
            f"{source} has no tensor {_reference_name(error.args[0])!r}: "
            f"{_looks_like(export_reference(state))}"
        )
        raise WeightsError(msg) from None


def _read_folder(folder: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Read the newest complete set of three files; also name the files of other iterations."""
    found: dict[str, dict[int, Path]] = {part: {} for part in PARTS}
    for file in sorted(folder.iterdir()):
        match = re.fullmatch(r"(mamba|decoder|embedding)_iter_(\d+)\.pth", file.name)
        if match:
            found[match[1]][int(match[2])] = file
    missing = [f"{part}_iter_*.pth" for part, files in found.items() if not files]
    if missing:
        msg = f"{folder} has no {' and no '.join(missing)}: a checkpoint is all three files"
        raise WeightsError(msg)
    complete = set.intersection(*(set(files) for files in found.values()))
    if not complete:
        names = ", ".join(file.name for files in found.values() for file in files.values())
        msg = f"{folder} has no three files of one iteration, only {names}"
        raise WeightsError(msg)
    newest = max(complete)
    tensors = {
        f"{prefix}.{key}": value
        for part, prefix in zip(PARTS, PREFIXES, strict=True)
        for key, value in load_tensors(found[part][newest]).items()
    }
    older = [file.name for files in found.values() for i, file in files.items() if i != newest]
    return tensors, older


def _reference_name(key: str) -> str:
    part, _, rest = key.partition(".")
    prefix = next(prefix for prefix, name in PREFIXES.items() if name == part)
    return f"{prefix}.{rest.replace('.ss2d.', '.self_attention.')}"


def _count_layers(state: dict[str, Tensor], stack: str) -> int:
    pattern = re.compile(rf"{re.escape(stack)}\.layers\.(\d+)\.")
    return 1 + max(int(match[1]) for key in state if (match := pattern.match(key)))


def _looks_like(tensors: dict[str, Tensor]) -> str:
    for name, pattern in OTHER_MODELS.items():
        if any(re.search(pattern, key) for key in tensors):
            return f"it looks like {name}"
    return f"it looks like another model, with tensors such as {', '.join(sorted(tensors)[:3])}"
