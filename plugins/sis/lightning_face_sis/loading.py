"""A generator from any file that holds one: ours in training, ours exported, or published."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from lightning_face.checkpoint.load import load
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.importer import import_ca2sis, import_identity_injection

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule

    from lightning_face_sis.networks.generator import CA2SISGenerator

__all__ = ["LoadedGenerator", "class_names_of", "load_generator"]


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator with what its user has to know of it.

    Args:
        generator: The network, in evaluation mode and without gradients; one that injects an
            identity is a `lightning_face_sis.networks.identity_generator` network, which has the
            same methods.
        class_names: Name of every class, in the order of the mask's channels.
        image_size: Height and width in pixels of the pictures it makes.
        device: Where its weights are.
    """

    generator: CA2SISGenerator
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    device: torch.device


def load_generator(path: Path | str, device: torch.device | str = "cpu") -> LoadedGenerator:
    """Read a trained generator; what kind of file it is, is told from its content.

    Args:
        path: A checkpoint of a run (.ckpt), a folder of exported or imported weights, or a
            published file (``latest_net_G.pth``, ``ema.pth``) of either generation.
        device: Where to put it.

    Returns:
        The generator, ready to use, its classes and its image size.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
        WeightsError: It holds another model.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise CheckpointError(f"no checkpoint {path}; give the path of a file or folder")
    module = load(path) if path.is_dir() or path.suffix == ".ckpt" else _published_module(path)
    generator = getattr(module, "generator", None)
    if generator is None:
        raise WeightsError(
            f"{path} holds a {type(module).__name__}, which has no generator of images; give a "
            "checkpoint of ca2sis, ca2sis-noise or identity-injection"
        )
    network = cast("CA2SISGenerator", generator).eval().requires_grad_(False).to(device)
    height, width = network.grid
    return LoadedGenerator(
        generator=network,
        class_names=class_names_of(network.num_classes),
        # four of the five stages double the side of the latent grid
        image_size=(16 * height, 16 * width),
        device=torch.device(device),
    )


def class_names_of(num_classes: int) -> tuple[str, ...]:
    """Name the classes of a generator; only the number is known from a published file.

    Args:
        num_classes: Channels of its masks; 19 are those of CelebAMask-HQ.

    Returns:
        The names; for other numbers ``class 0``, ``class 1`` and so on.
    """
    if num_classes == len(CLASS_NAMES):
        return tuple(CLASS_NAMES)
    return tuple(f"class {index}" for index in range(num_classes))


def _published_module(path: Path) -> LightningModule:
    """Build the module of a published file, whose importer is chosen by its tensors."""
    injects_identity = any("id_proj." in name for name in load_tensors(path))
    imported = (import_identity_injection if injects_identity else import_ca2sis)(path)
    module_name, _, class_name = imported.class_path.rpartition(".")
    module: LightningModule = getattr(importlib.import_module(module_name), class_name)(
        **imported.init_args
    )
    module.load_state_dict(imported.state_dict, strict=module.strict_loading)
    return module
