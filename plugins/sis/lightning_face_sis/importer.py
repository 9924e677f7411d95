"""Published checkpoints of CA2-SIS and of identity injection."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_face.checkpoint.importer import ImportedWeights, apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.published_names import (
    discriminator_name,
    discriminator_state_dict,
    generator_name,
    published_generator_name,
)

__all__ = [
    "export_reference",
    "import_ca2sis",
    "import_identity_injection",
    "infer_discriminator_config",
    "infer_generator_config",
    "load_discriminator",
    "load_published",
    "looks_like",
]

CA2SIS_MODULE = "lightning_face_sis.modules.ca2sis_module.CA2SISModule"
IDENTITY_MODULE = "lightning_face_sis.modules.identity_module.IdentityInjectionModule"

# where a file may keep a network, best first: averaged weights, those in training, the plain file
_PLACES = (
    r"ema_model\.(?:module\.)?net{player}\.",
    r"online_model\.(?:module\.)?net{player}\.",
    r"(?:module\.)?net{player}\.",
    r"(?:(?:module|_orig_mod)\.)*",
)

# tensors that only these generators have all of
SIGNATURE = (
    "encs.encs.0.weight",
    "style_encoder.out.out_0.0.weight",
    "reshape_conv.weight",
    "cross2.transformer_blocks.0.attn2.to_k.weight",
)

# tensors by which other checkpoints give themselves away
OTHER_MODELS = {
    "a checkpoint of this framework, which needs no import": (
        r"^generator\.|^style_encoder\.stem\.|^network\.unet\.|^first_stage\.autoencoder\."
    ),
    "a discriminator, which is not imported: give latest_net_G.pth": r"discriminator_\d+\.model\d",
    "a generator of CA2-SIS": r"^encs\.encs\.0\.",
    "SCA-DM, a diffusion model: import it as sca-dm": (
        r"^model\.diffusion_model\.middle_block\.0\.in_norm\.|^cond_stage_model\.Encoder\."
    ),
    "a diffusion model of pictures without label maps": r"(^|\.)diffusion_model\.|^time_embed\.",
    "the first stage of latent diffusion: import it as vq-first-stage": (
        r"^quantize\.embedding|^quant_conv\."
    ),
    "SEAN": r"^Zencoder\.|\.ACE\.",
    "SPADE": r"^(head_0|G_middle_0|up_0)\.norm_0\.",
    "a recognition network, IR-SE50 or IR-50": r"^input_layer\.0\.|^body\.\d+\.res_layer\.",
    "a recognition network of InsightFace": r"^layer\d\.0\.prelu\.",
    "VGG-19 of torchvision": r"^features\.0\.weight$|^slice1\.0\.",
    "a SegFormer, a network that parses faces": r"^(segformer\.|decode_head\.)",
    "Mamba-ST: import it as mamba-st": r"\.self_attention\.A_logs$|^(mamba|decode)\.",
    "an event ViT: import it as event-vit": r"^spatial_transformer\.layers\.0\.0\.temperature",
    "ScanTalk: import it as scantalk": r"(^|\.)encoder\.first_lin\.",
    "a ResNet": r"^layer4\.1\.",
}


def import_ca2sis(source: Path) -> ImportedWeights:
    """Read a published checkpoint of a generator, of 2023 or of 2024.

    Those of 2024 draw styles from noise and end in a tanh; the tanh leaves no trace in a file and
    is taken to come with the noise.

    Args:
        source: ``latest_net_G.pth`` or ``ema.pth``, whose averaged weights are taken, or the
            folder of a training of the published code.

    Returns:
        Weights and settings of a `CA2SISModule`. Discriminators and VGG, which ``ema.pth`` holds
        besides, are ignored.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    return _import(Path(source), identity=False)


def import_identity_injection(source: Path) -> ImportedWeights:
    """Read a generator with identity injection, in the names of CA2-SIS.

    Args:
        source: File with a state dict, whose projection of the identity is called ``id_proj.0``,
            or a folder as of `import_ca2sis`.

    Returns:
        Weights and settings of an `IdentityInjectionModule`.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    return _import(Path(source), identity=True)


def load_published(path: Path | str) -> CA2SISGenerator:
    """Load a published generator, in evaluation mode.

    Args:
        path: What `import_ca2sis` or `import_identity_injection` reads.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    imported = _import(Path(path))
    network = _generator_class(imported.init_args)(**imported.init_args)
    network.load_state_dict(
        {key.removeprefix("generator."): value for key, value in imported.state_dict.items()}
    )
    return network.eval()


def load_discriminator(path: Path | str) -> MultiscaleDiscriminator:
    """Load published discriminators, for a training that goes on from them.

    Args:
        path: ``latest_net_D.pth`` or ``ema.pth``; spectral norm may be a hook or a
            parametrisation.

    Raises:
        WeightsError: The tensors belong to another model or are incomplete.
    """
    tensors = load_tensors(path)
    keys = _network_keys(tensors, "D")
    published = {key: tensors[own] for own, key in keys.items() if discriminator_name(key)}
    if not published:
        msg = f"{path} holds no discriminators of CA2-SIS: {looks_like(keys.values())}"
        raise WeightsError(msg)
    try:
        network = MultiscaleDiscriminator(**infer_discriminator_config(published))
        state, _ = apply_key_map(
            discriminator_state_dict(published),
            {name: name for name in network.state_dict()},
            network.state_dict(),
        )
    except (WeightsError, ConfigError) as error:
        msg = f"{path} holds no complete discriminators of CA2-SIS: {error}"
        raise WeightsError(msg) from None
    network.load_state_dict(state)
    return network


def export_reference(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the tensors of a generator their published names back, the inverse of the import.

    Args:
        state_dict: State dict of a module or of its generator.

    Returns:
        Tensors by published names, as in ``latest_net_G.pth``.
    """
    return {
        name: value
        for key, value in state_dict.items()
        if (name := published_generator_name(key.removeprefix("generator."))) is not None
    }


def infer_generator_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the settings of a generator off the shapes of its tensors.

    The number of heads leaves no trace: it is taken to be as published.

    Args:
        tensors: Tensors by published names.

    Returns:
        Arguments of `CA2SISGenerator`, and ``identity_dim`` where an identity is injected.

    Raises:
        WeightsError: Tensors are missing, or their shapes leave a setting open.
    """
    if missing := [key for key in SIGNATURE if key not in tensors]:
        msg = f"it has no {missing[0]}: {looks_like(tensors)}"
        raise WeightsError(msg)
    embedder, codes, first, keys = (tensors[key].shape for key in SIGNATURE)
    style_dim = keys[1] // 5
    num_classes = codes[0] // style_dim
    noise = tensors.get("noise_encoder.shared.0.weight")
    heads = (8, 8, 8, 8, 4)
    config: dict[str, Any] = {
        "num_classes": num_classes,
        "exclude_background": first[1] == num_classes - 1,
        "ngf": first[0] // 16,
        "style_dim": style_dim,
        "grid": _grid(embedder[0]),
        "mask_size": math.isqrt(embedder[1]),
        "heads": heads,
        "head_dims": tuple(
            _required(tensors, f"cross{number}.proj_in.weight").shape[0] // count
            for number, count in enumerate(heads, start=2)
        ),
        "skip_layout": "reference",
        "tanh_output": noise is not None,
        "noise_dim": None if noise is None else noise.shape[1],
    }
    if "id_proj.0.weight" in tensors:
        config["identity_dim"] = tensors["id_proj.0.weight"].shape[1]
    return config


def infer_discriminator_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the settings of discriminators off the names and shapes of their tensors.

    Args:
        tensors: Tensors by published names.

    Returns:
        Arguments of `MultiscaleDiscriminator`.

    Raises:
        WeightsError: Tensors are missing.
    """
    first = _required(tensors, "discriminator_0.model0.0.weight").shape
    found = [re.match(r"discriminator_(\d+)\.model(\d+)\.", key) for key in tensors]
    numbers = [(int(match[1]), int(match[2])) for match in found if match]
    middle = [key for key in tensors if re.match(r"discriminator_0\.model1\.0\.", key)]
    spectral = any(re.search(r"weight_orig$|parametrizations", key) for key in middle)
    instance = any(re.search(r"model1\.0\.0\.", key) for key in middle)
    norm = "spectral" * spectral + "instance" * instance
    if not norm:
        msg = "its second stage is not normalised"
        raise WeightsError(msg)
    return {
        "in_channels": first[1],
        "ndf": first[0],
        "num_layers": max(stage for _, stage in numbers),
        "num_scales": 1 + max(scale for scale, _ in numbers),
        "norm": norm,
    }


def _import(source: Path, identity: bool | None = None) -> ImportedWeights:
    """Read a generator with, without, or (None) with or without an identity."""
    file = _generator_file(source)
    tensors = load_tensors(file)
    try:
        keys = _network_keys(tensors, "G")
        config = infer_generator_config({key: tensors[own] for own, key in keys.items()})
        injects = "identity_dim" in config
        if identity is not None and identity != injects:
            kind = (
                "CA2-SIS with an identity: import it as identity-injection"
                if injects
                else "CA2-SIS without an identity: import it as ca2sis"
            )
            msg = f"it looks like {kind}"
            raise WeightsError(msg)
        with torch.device("meta"):
            network = _generator_class(config)(**config)
        names = {own: name for own, key in keys.items() if (name := generator_name(key))}
        state, report = apply_key_map(
            tensors,
            {own: f"generator.{name}" for own, name in names.items()},
            {f"generator.{name}": value for name, value in network.state_dict().items()},
        )
    except (WeightsError, ConfigError) as error:
        kind = "identity injection" if identity else "CA2-SIS"
        msg = f"{file} is no complete checkpoint of {kind}: {error}"
        raise WeightsError(msg) from None
    return ImportedWeights(state, IDENTITY_MODULE if injects else CA2SIS_MODULE, config, report)


def _generator_class(config: Mapping[str, Any]) -> type[CA2SISGenerator]:
    return IdentityInjectionGenerator if "identity_dim" in config else CA2SISGenerator


def _generator_file(source: Path) -> Path:
    """Find the generator in a folder: the latest, else that of the last epoch."""
    if not source.is_dir():
        return source
    latest = source / "latest_net_G.pth"
    if latest.is_file():
        return latest
    epochs = {
        int(match[1]): file
        for file in source.iterdir()
        if (match := re.fullmatch(r"(\d+)_net_G\.pth", file.name))
    }
    if not epochs:
        msg = f"{source} has no latest_net_G.pth and no <epoch>_net_G.pth: give one file"
        raise WeightsError(msg)
    return epochs[max(epochs)]


def _network_keys(tensors: Mapping[str, Tensor], player: str) -> dict[str, str]:
    """Give the published name of every tensor of a network by its name in the file."""
    for place in _PLACES:
        pattern = re.compile(place.format(player=player))
        found = {key: key[match.end() :] for key in tensors if (match := pattern.match(key))}
        if found:
            return found
    return {}


def _grid(cells: int) -> tuple[int, int]:
    """Give height and width of latent pictures: a square, or twice as wide as high."""
    side = math.isqrt(cells)
    if side * side == cells:
        return side, side
    side = math.isqrt(cells // 2)
    if 2 * side * side == cells:
        return side, 2 * side
    msg = f"its latent pictures of {cells} numbers are neither square nor twice as wide as high"
    raise WeightsError(msg)


def _required(tensors: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in tensors:
        msg = f"it has no {key}"
        raise WeightsError(msg)
    return tensors[key]


def looks_like(names: Iterable[str]) -> str:
    """Say which model some names of tensors belong to, for a message.

    Args:
        names: Names in a file.
    """
    names = list(names)
    for kind, pattern in OTHER_MODELS.items():
        if any(re.search(pattern, name) for name in names):
            return f"it looks like {kind}"
    return f"it looks like another model, with tensors such as {', '.join(sorted(names)[:3])}"
