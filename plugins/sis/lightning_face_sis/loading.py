"""A network from any file that holds one: ours in training, ours exported, or published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from lightning_face.checkpoint.load import load
from lightning_face.errors import CheckpointError, ConfigError, WeightsError
from lightning_face_sis.diffusion_loading import LoadedDiffusion, holds_diffusion, load_diffusion
from lightning_face_sis.importer import load_published
from lightning_face_sis.loaded_model import LoadedModel, class_names_of
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.recognition import (
    RECOGNITION_WEIGHTS,
    RecognitionNetwork,
    load_recognition_network,
)
from lightning_face_sis.networks.sample_recognition import SampleRecognition

if TYPE_CHECKING:
    from lightning_face_sis.networks.generator import CA2SISGenerator

__all__ = [
    "LoadedGenerator",
    "class_names_of",
    "load_generator",
    "load_model",
    "load_recognition",
]


@dataclass(frozen=True)
class LoadedGenerator(LoadedModel):
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

    @property
    def photo_size(self) -> tuple[int, int]:
        """Height and width in pixels to which photographs and masks are brought for it."""
        return self.rounded_up(self.generator.style_encoder.side_multiple)


def load_model(
    path: Path | str, device: torch.device | str = "cpu"
) -> LoadedGenerator | LoadedDiffusion:
    """Read a network that makes pictures of label maps; its kind is told from the file.

    Args:
        path: What `load_generator` or `lightning_face_sis.diffusion_loading.load_diffusion` reads.
        device: Where to put it.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
        WeightsError: It holds another model.
    """
    path = Path(path).expanduser()
    return load_diffusion(path, device) if holds_diffusion(path) else load_generator(path, device)


def load_generator(path: Path | str, device: torch.device | str = "cpu") -> LoadedGenerator:
    """Read a trained generator; what kind of file it is, is told from its content.

    Args:
        path: A checkpoint of a run (.ckpt), a folder of exported or imported weights, or a
            published file (``latest_net_G.pth``, ``ema.pth``) of either generation, or the folder
            of a training of the published code.
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
    network = (_own(path) if _is_own(path) else load_published(path)).eval()
    network = network.requires_grad_(False).to(device)
    height, width = network.mask_embedder.grid
    return LoadedGenerator(
        generator=network,
        class_names=class_names_of(network.num_classes),
        # four of the five stages double the side of the latent grid
        image_size=(16 * height, 16 * width),
        device=torch.device(device),
    )


def load_recognition(generator: CA2SISGenerator, path: Path | None) -> RecognitionNetwork | None:
    """Read the network that a generator takes identities from.

    Args:
        generator: The generator.
        path: Its weights; None stands for those of the bundled sample.

    Returns:
        The network, or None for a generator that injects no identity.

    Raises:
        ConfigError: The generator needs weights, or has no use for them.
        WeightsError: They are those of another network than it was trained with.
    """
    if not isinstance(generator, IdentityInjectionGenerator):
        if path is not None:
            raise ConfigError("--recognition: the checkpoint is none of identity-injection")
        return None
    wanted = generator.identity_dim
    if path is None:
        sample = SampleRecognition()
        if sample.embedding_dim != wanted:
            raise ConfigError(
                "--recognition is missing: the weights of the network that the checkpoint was "
                f"trained with, {RECOGNITION_WEIGHTS}"
            )
        return sample
    network = load_recognition_network(path)
    if network.embedding_dim != wanted:
        raise WeightsError(
            f"{path} makes embeddings of {network.embedding_dim} numbers, the checkpoint takes "
            f"{wanted}: give the network that it was trained with"
        )
    return network


def _is_own(path: Path) -> bool:
    """Tell files of this project from published ones."""
    if path.is_dir():
        return not any(path.glob("*_net_G.pth"))
    return path.suffix == ".ckpt"


def _own(path: Path) -> CA2SISGenerator:
    module = load(path)
    generator = getattr(module, "generator", None)
    if generator is None:
        raise WeightsError(
            f"{path} holds a {type(module).__name__}, which has no generator of images; give a "
            "checkpoint of ca2sis, ca2sis-noise or identity-injection"
        )
    return cast("CA2SISGenerator", generator)
