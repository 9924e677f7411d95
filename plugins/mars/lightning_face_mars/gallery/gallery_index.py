"""The index of a gallery: features of its pictures, with what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.importer import inference_tensors
from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["GalleryEntry", "GalleryIndex", "read_index", "weights_digest", "write_index"]

_KIND = "lightning-face-mars gallery 1"


@dataclass(frozen=True)
class GalleryEntry:
    """A picture of a gallery, as it was when its features were computed.

    Attributes:
        file: The picture, an absolute path.
        size: Its length in bytes.
        modified: When it was last changed, in nanoseconds.
    """

    file: Path
    size: int
    modified: int

    @classmethod
    def of(cls, file: Path) -> GalleryEntry:
        """Look at a file.

        Args:
            file: The picture.

        Raises:
            OSError: The file is not there.
        """
        status = file.stat()
        return cls(file, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class GalleryIndex:
    """Features of pictures.

    Attributes:
        weights: Digest of the weights that made the features, see `weights_digest`.
        checkpoint: File or folder that the weights came from.
        entries: The pictures.
        features: Unit features ``(pictures, features)``, float32.
    """

    weights: str
    checkpoint: Path
    entries: tuple[GalleryEntry, ...]
    features: Tensor

    def require(self, weights: str, path: Path) -> None:
        """Make sure that these features were made by some weights.

        Args:
            weights: Digest of the weights that are to search.
            path: File of the index, for the message.

        Raises:
            ConfigError: They were made by others.
        """
        if weights != self.weights:
            raise ConfigError(
                f"{path} was made with other weights ({self.weights[:12]}) than those of the "
                f"checkpoint ({weights[:12]}): features of two networks cannot be compared; give "
                "the checkpoint it was made with, or make a new index"
            )

    def with_pictures(
        self, entries: Sequence[GalleryEntry], features: Tensor, gone: Sequence[Path] = ()
    ) -> GalleryIndex:
        """Return an index with further pictures in place of earlier versions of them.

        Args:
            entries: The pictures.
            features: Their unit features ``(pictures, features)``.
            gone: Files to leave out.
        """
        dropped = {entry.file for entry in entries} | set(gone)
        kept = [row for row, entry in enumerate(self.entries) if entry.file not in dropped]
        return GalleryIndex(
            self.weights,
            self.checkpoint,
            (*(self.entries[row] for row in kept), *entries),
            torch.cat([self.features[kept], features]),
        )


def weights_digest(network: PersonSearchNetwork) -> str:
    """Return the SHA-256 of the weights that a search depends on.

    A whole checkpoint and one that was converted for search have the same.

    Args:
        network: The network.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(inference_tensors(network.state_dict()).items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        content = tensor.detach().cpu().contiguous()
        digest.update(content.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_index(index: GalleryIndex, path: Path) -> None:
    """Write an index in place of an older one.

    Args:
        index: What to write.
        path: The file.
    """
    rows = [[str(entry.file), entry.size, entry.modified] for entry in index.entries]
    listed = torch.frombuffer(bytearray(json.dumps(rows).encode()), dtype=torch.uint8)
    tensors = {"features": index.features.contiguous(), "entries": listed}
    with atomic_path(path) as temporary:
        about = {"kind": _KIND, "weights": index.weights, "checkpoint": str(index.checkpoint)}
        save_file(tensors, temporary, about)


def read_index(path: Path) -> GalleryIndex:
    """Read an index.

    Args:
        path: A file of `write_index`.

    Raises:
        DataError: It is missing, damaged, or no index.
    """
    if not path.is_file():
        raise DataError(
            f"there is no index {path}: make one with lightning-face mars index FOLDER "
            f"--checkpoint FILE -o {path}"
        )
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("kind") != _KIND:
                raise DataError(f"{path} is no index of a gallery")
            features = file.get_tensor("features")
            rows: list[Any] = json.loads(file.get_tensor("entries").numpy().tobytes())
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path} is empty, truncated or no index of a gallery: {error}") from error
    entries = tuple(GalleryEntry(Path(name), size, modified) for name, size, modified in rows)
    if len(entries) != len(features):
        raise DataError(f"{path} has {len(entries)} pictures and {len(features)} features")
    return GalleryIndex(about["weights"], Path(about["checkpoint"]), entries, features)
