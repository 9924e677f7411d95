"""A diffusion model from any file that holds one: ours in training, ours exported, or published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

import torch

from lightning_face.checkpoint.load import load
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.diffusion_importer import UNET_FILE, load_published_diffusion
from lightning_face_sis.loaded_model import LoadedModel, class_names_of
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["LoadedDiffusion", "holds_diffusion", "is_own_file", "load_diffusion"]

# the published sizes of pictures: those of street scenes, and of all others
_SCENE_CLASSES = 34
_SCENE_SIZE = (256, 512)
_SIZE = (256, 256)

# part of a name that no other network has, published or ours
_SIGNATURE = b"middle_block.0.in_norm."
# what our checkpoints call the class of their model
_OWN = b"class_path"
# of a file that is no archive; the names come first
_HEAD_BYTES = 2**23


@dataclass(frozen=True)
class LoadedDiffusion(LoadedModel):
    """A diffusion model with what its user has to know of it.

    Args:
        network: The model, in evaluation mode and without gradients.
        class_names: Name of every class, in the order of their numbers.
        image_size: Height and width in pixels of the pictures it was trained on; it makes others,
            too.
        device: Where its weights are.
    """

    network: SemanticDiffusion
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    device: torch.device

    @property
    def photo_size(self) -> tuple[int, int]:
        """Height and width in pixels to which photographs and masks are brought for it."""
        return self.rounded_up(self.network.image_multiple)


def load_diffusion(path: Path | str, device: torch.device | str = "cpu") -> LoadedDiffusion:
    """Read a trained diffusion model; what kind of file it is, is told from its content.

    Args:
        path: A checkpoint of a run (.ckpt), a folder of exported or imported weights, a published
            checkpoint, whose averaged weights are taken, or a folder that
            `lightning_face_sis.diffusion_importer.write_published` made.
        device: Where to put it.

    Raises:
        CheckpointError: The file is missing, damaged, or needs code to be read.
        WeightsError: It holds another model.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise CheckpointError(f"no checkpoint {path}; give the path of a file or folder")
    if _is_own(path):
        module = load(path)
        network = getattr(module, "network", None)
        if not isinstance(network, SemanticDiffusion):
            raise WeightsError(
                f"{path} holds a {type(module).__name__}, which is no diffusion model; give a "
                "checkpoint of sca-dm"
            )
        size = getattr(module, "image_size", None)
    else:
        network, size = load_published_diffusion(path), None
    network = network.eval().requires_grad_(False).to(device)
    default = _SCENE_SIZE if network.num_classes == _SCENE_CLASSES else _SIZE
    return LoadedDiffusion(
        network=network,
        class_names=class_names_of(network.num_classes),
        image_size=default if size is None else (size[0], size[1]),
        device=torch.device(device),
    )


def holds_diffusion(path: Path) -> bool:
    """Tell whether a file or folder is a diffusion model's, without reading its weights.

    Args:
        path: What `load_diffusion` reads, or anything else.
    """
    return _SIGNATURE in _names(path)


def is_own_file(path: Path) -> bool:
    """Tell whether a file is a checkpoint of this project, without reading its weights.

    Args:
        path: File with weights; it may be damaged.
    """
    return _OWN in _names(path)


def _is_own(path: Path) -> bool:
    """Tell files and folders of this project from published ones."""
    return not (path / UNET_FILE).is_file() if path.is_dir() else is_own_file(path)


def _names(path: Path) -> bytes:
    """Read the part of a weights file in which the names of its tensors are."""
    if path.is_dir():
        files = [path / name for name in ("weights.safetensors", UNET_FILE)]
        return next((_names(file) for file in files if file.is_file()), b"")
    if not path.is_file():
        return b""
    try:
        if is_zipfile(path):
            with ZipFile(path) as archive:
                found = [name for name in archive.namelist() if name.endswith("/data.pkl")]
                return archive.read(found[0]) if found else b""
    except BadZipFile:
        # whoever reads the weights says what is wrong with the file
        return b""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)
