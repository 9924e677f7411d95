"""Published checkpoints of SCA-DM and of its first stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors.torch import save_file
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.importer import ImportedWeights, KeyMapReport, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule, Parameterization
from lightning_face_sis.importer import looks_like
from lightning_face_sis.networks.first_stage_names import (
    first_stage_key_map,
    first_stage_shapes,
    published_first_stage_shapes,
)
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
from lightning_face_sis.networks.vq_first_stage import VQFirstStage
from lightning_face_sis.published_diffusion_names import (
    FIRST_STAGE,
    NOMINAL_RESOLUTION,
    STYLE_ENCODER,
    UNET,
    diffusion_key_map,
    infer_diffusion_config,
    infer_first_stage_config,
)

__all__ = [
    "PublishedWeights",
    "export_sca_dm",
    "import_first_stage",
    "import_sca_dm",
    "load_published_diffusion",
    "write_published",
]

PublishedWeights = Literal["ema", "raw"]
"""The UNet averaged over training, or as it was trained last."""

SCA_DM_MODULE = "lightning_face_sis.modules.sca_dm_module.SCADMModule"
FIRST_STAGE_MODULE = "lightning_face_sis.modules.first_stage_module.FirstStageModule"

# where the modules keep their networks
SYSTEM_PREFIX = "network."
FIRST_STAGE_PREFIX = "first_stage."

# files that `write_published` makes
UNET_FILE = "sca_dm.safetensors"
FIRST_STAGE_FILE = "first_stage.safetensors"

# tensors that only SCA-DM has all of
SIGNATURE = (
    f"{UNET}middle_block.0.in_norm.mlp_shared.0.weight",
    f"{UNET}label_emb.weight",
    f"{STYLE_ENCODER}Encoder.first_layer.0.weight",
)

_AVERAGE = "model_ema."

# groups of tensors in a report, by the beginning of their published names
_GROUPS = {
    "UNet": UNET,
    "averaged UNet": _AVERAGE,
    "style encoder": STYLE_ENCODER,
    "first stage": FIRST_STAGE,
}


class _CallbackName:
    """Stands for a class whose name training scripts of old saved along; it is never called."""


# the dictionary of callback states was keyed by classes up to Lightning 1.4
_SAVED_NAMES = (
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "pytorch_lightning.callbacks.lr_monitor.LearningRateMonitor",
)


@dataclass(frozen=True)
class GroupedReport(KeyMapReport):
    """Where every tensor of a published file went, counted for each part of the system."""

    def __str__(self) -> str:
        """One line a part, then one a tensor."""
        rows = (("mapped", self.mapped), ("ignored", self.ignored))
        counts = {word: Counter(_group(name) for name in names) for word, names in rows}
        lines = [
            f"{group}: {counts['mapped'][group]} mapped, {counts['ignored'][group]} ignored"
            for group in (*_GROUPS, "the rest")
            if counts["mapped"][group] or counts["ignored"][group]
        ]
        return "\n".join([*lines, super().__str__()])


def import_sca_dm(
    source: Path,
    *,
    weights: PublishedWeights = "ema",
    mask_attention: bool = True,
    head_dim: int = 32,
    parameterization: Parameterization = "eps",
    scale_factor: float = 1.0,
) -> ImportedWeights:
    """Read a published checkpoint of the whole system, first stage included.

    The sizes follow from the shapes of the tensors. What leaves no trace in a file is as published
    if nothing else is said.

    Args:
        source: Checkpoint of the published training (``last.ckpt``), a bare state dict, or
            safetensors in its names, also the folder that `write_published` makes.
        weights: Which UNet to take from a file that has both; a file with one of them gives that.
        mask_attention: Whether pixels see the style of their own class only.
        head_dim: Width of a head.
        parameterization: What the UNet predicts.
        scale_factor: What latents are multiplied by.

    Returns:
        Weights and settings of a `SCADMModule`.

    Raises:
        ConfigError: ``weights`` is unknown.
        WeightsError: The tensors belong to another model or are incomplete.
    """
    settings, state, report = _read_sca_dm(
        Path(source), weights, mask_attention, head_dim, parameterization, scale_factor
    )
    named = {SYSTEM_PREFIX + name: each for name, each in state.items()}
    return ImportedWeights(named, SCA_DM_MODULE, settings, report)


def load_published_diffusion(
    source: Path | str,
    *,
    weights: PublishedWeights = "ema",
    mask_attention: bool = True,
    head_dim: int = 32,
    parameterization: Parameterization = "eps",
    scale_factor: float = 1.0,
) -> SemanticDiffusion:
    """Load a published system, in evaluation mode.

    Args:
        source: What `import_sca_dm` reads, as all that follows.
        weights: Which UNet to take.
        mask_attention: Whether pixels see the style of their own class only.
        head_dim: Width of a head.
        parameterization: What the UNet predicts.
        scale_factor: What latents are multiplied by.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    settings, state, _ = _read_sca_dm(
        Path(source), weights, mask_attention, head_dim, parameterization, scale_factor
    )
    with torch.device("meta"):
        network = SemanticDiffusion.from_config(settings)
    # the tensors become the weights, so that a file of 4 GB is in memory once
    network.load_state_dict({name: each.float() for name, each in state.items()}, assign=True)
    return network.eval()


def import_first_stage(source: Path) -> ImportedWeights:
    """Read a published first stage.

    Args:
        source: ``vq-f4`` of the latent diffusion model zoo (a checkpoint or safetensors), a
            checkpoint of SCA-DM, which holds one, or a folder of diffusers with a ``VQModel`` or
            with one in its folder ``vqvae``.

    Returns:
        Weights and settings of a `FirstStageModule`. The loss that a published file holds besides
        is ignored.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    source = Path(source)
    if source.is_dir() and not (source / FIRST_STAGE_FILE).is_file():
        return _from_diffusers(source)
    tensors = _published_tensors(source)
    prefix = FIRST_STAGE if any(key.startswith(FIRST_STAGE) for key in tensors) else ""
    try:
        if f"{prefix}quantize.embedding.weight" not in tensors:
            msg = f"it has no {prefix}quantize.embedding.weight: {looks_like(tensors)}"
            raise WeightsError(msg)
        inner = {
            key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)
        }
        settings = infer_first_stage_config(inner)
        with torch.device("meta"):
            network = VQFirstStage(**settings)
        state, report = _map(tensors, first_stage_key_map(network, prefix), network)
    except (WeightsError, ConfigError) as error:
        msg = f"{source} is no complete first stage: {error}"
        raise WeightsError(msg) from None
    named = {FIRST_STAGE_PREFIX + name: each for name, each in state.items()}
    return ImportedWeights(named, FIRST_STAGE_MODULE, settings, report)


def export_sca_dm(network: SemanticDiffusion) -> dict[str, Tensor]:
    """Give the tensors of a system their published names and shapes, the inverse of the import.

    Args:
        network: The system; its UNet becomes ``model.diffusion_model``, without an average.

    Returns:
        Tensors by published names.
    """
    state = network.state_dict()
    names = diffusion_key_map(network)
    return published_first_stage_shapes(
        {published: state[ours] for published, ours in names.items()}
    )


def write_published(
    network: SemanticDiffusion, folder: Path | str, dtype: torch.dtype = torch.float32
) -> None:
    """Write a system as two safetensors files in published names, to share.

    ``sca_dm.safetensors`` holds UNet, style encoder and noise levels, ``first_stage.safetensors``
    the first stage, which many systems have in common.

    Args:
        network: The system.
        folder: Folder to make.
        dtype: Precision of the weights; ``torch.bfloat16`` halves the files. Noise levels stay as
            they are.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, Tensor]] = {UNET_FILE: {}, FIRST_STAGE_FILE: {}}
    for name, each in export_sca_dm(network).items():
        file = FIRST_STAGE_FILE if name.startswith(FIRST_STAGE) else UNET_FILE
        # the noise levels have no dot in their names
        kept = each.detach().cpu().to(dtype if "." in name else each.dtype)
        files[file][name] = kept.contiguous()
    for file, tensors in files.items():
        with atomic_path(folder / file) as temporary:
            save_file(tensors, temporary, metadata={"format": "pt"})


def _read_sca_dm(
    source: Path,
    weights: PublishedWeights,
    mask_attention: bool,
    head_dim: int,
    parameterization: Parameterization,
    scale_factor: float,
) -> tuple[dict[str, Any], dict[str, Tensor], KeyMapReport]:
    """Read settings and tensors of a `SemanticDiffusion`."""
    if weights not in get_args(PublishedWeights):
        msg = f"weights={weights!r} must be ema or raw"
        raise ConfigError(msg)
    tensors = _published_tensors(source)
    averaged = weights == "ema" and any(key.startswith(_AVERAGE) for key in tensors)
    try:
        if missing := [key for key in SIGNATURE if key not in tensors]:
            msg = f"it has no {missing[0]}: {looks_like(tensors)}"
            raise WeightsError(msg)
        settings: dict[str, Any] = infer_diffusion_config(tensors)
        settings["unet"] |= {"mask_attention": mask_attention, "head_dim": head_dim}
        settings |= {"parameterization": parameterization, "scale_factor": scale_factor}
        with torch.device("meta"):
            network = SemanticDiffusion.from_config(settings)
        state, report = _map(tensors, diffusion_key_map(network, averaged), network)
    except (WeightsError, ConfigError) as error:
        msg = f"{source} is no complete checkpoint of SCA-DM: {error}"
        raise WeightsError(msg) from None
    # the noise levels follow from the settings where the file does not hold them
    levels = NoiseSchedule(**settings.get("schedule", {})).state_dict()
    return settings, {f"schedule.{name}": each for name, each in levels.items()} | state, report


def _published_tensors(source: Path) -> dict[str, Tensor]:
    """Read a file, or both files of a folder that `write_published` made."""
    if source.is_dir():
        files = [source / name for name in (UNET_FILE, FIRST_STAGE_FILE)]
        if missing := [file.name for file in files if not file.is_file()]:
            msg = f"{source} has no {missing[0]}: give a file, or both that were exported"
            raise WeightsError(msg)
        return {key: each for file in files for key, each in load_tensors(file).items()}
    with torch.serialization.safe_globals([(_CallbackName, name) for name in _SAVED_NAMES]):
        return load_tensors(source)


def _map(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], network: torch.nn.Module
) -> tuple[dict[str, Tensor], KeyMapReport]:
    """Rename tensors; a network without all of its own is refused, part by part."""
    lacking = [key for key in names if key not in tensors and "." in key]
    if lacking:
        counts = Counter(_group(key) for key in lacking)
        parts = ", ".join(f"{count} of the {group}" for group, count in counts.items())
        msg = f"it lacks {len(lacking)} tensors ({parts}), first {lacking[0]}"
        raise WeightsError(msg)
    state, report = apply_key_map(
        first_stage_shapes(tensors),
        names,
        network.state_dict(),
        # those without a dot are noise levels
        optional=[name for key, name in names.items() if "." not in key],
    )
    return state, GroupedReport(report.mapped, report.missing, report.ignored, report.shapes)


def _from_diffusers(folder: Path) -> ImportedWeights:
    """Read a `VQModel` that diffusers saved."""
    from diffusers import VQModel

    folder = folder / "vqvae" if (folder / "vqvae").is_dir() else folder
    try:
        model, found = VQModel.from_pretrained(
            folder, local_files_only=True, low_cpu_mem_usage=False, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        msg = f"{folder} holds no VQModel of diffusers: {reason}"
        raise WeightsError(msg) from error
    if lacking := found["missing_keys"]:
        msg = f"{folder} holds no complete VQModel: it lacks {len(lacking)} tensors, {lacking[0]}"
        raise WeightsError(msg)
    sizes = model.config
    widths = sizes.block_out_channels
    attends = [
        NOMINAL_RESOLUTION // 2**level
        for level, kind in enumerate(sizes.down_block_types)
        if kind.startswith("Attn")
    ]
    settings = {
        "num_embeddings": sizes.num_vq_embeddings,
        "latent_channels": sizes.latent_channels,
        "channels": widths[0],
        "channel_multipliers": tuple(width // widths[0] for width in widths),
        "num_res_blocks": sizes.layers_per_block,
        "attention_resolutions": tuple(attends),
        "resolution": NOMINAL_RESOLUTION,
        "norm_groups": sizes.norm_num_groups,
    }
    tensors = {f"autoencoder.{name}": each for name, each in model.state_dict().items()}
    try:
        with torch.device("meta"):
            network = VQFirstStage(**settings)
        state, report = _map(tensors, {name: name for name in network.state_dict()}, network)
    except (WeightsError, ConfigError) as error:
        msg = f"{folder} holds a VQModel of another kind: {error}"
        raise WeightsError(msg) from None
    named = {FIRST_STAGE_PREFIX + name: each for name, each in state.items()}
    return ImportedWeights(named, FIRST_STAGE_MODULE, settings, report)


def _group(key: str) -> str:
    return next((group for group, prefix in _GROUPS.items() if key.startswith(prefix)), "the rest")
