"""Style codes of many images in one file, to be mixed without encoding them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError, DataError

__all__ = ["StyleBank", "Take", "mix_styles", "network_fingerprint", "read_bank", "write_bank"]

_KIND = "lightning-face style bank"

# a file of the bank and its share
Take = tuple[str, float]


@dataclass(frozen=True, eq=False)
class StyleBank:
    """Style codes by file and class.

    Attributes:
        files: Names of the images, each once.
        styles: Codes, float32 ``(files, classes, width)``.
        present: Whether an image has a class, bool ``(files, classes)``. The code of a class that
            it lacks says nothing of it.
        class_names: Names of the classes.
        network: Fingerprint of the style encoder that made the codes.
    """

    files: tuple[str, ...]
    styles: Tensor
    present: Tensor
    class_names: tuple[str, ...]
    network: str

    def find(self, name: str) -> int:
        """Find an image by its name, or by the part of it before the suffix.

        Args:
            name: Such as ``27.jpg`` or ``27``.

        Returns:
            Its row.

        Raises:
            ConfigError: If no image, or more than one, has the name.
        """
        rows = [row for row, file in enumerate(self.files) if name == file]
        rows = rows or [row for row, file in enumerate(self.files) if name == Path(file).stem]
        if len(rows) != 1:
            some = ", ".join(self.files[:8]) + (", ..." if len(self.files) > 8 else "")
            count = f"{len(rows)} images are" if rows else "no image is"
            raise ConfigError(f"{count} called {name!r} in the style bank, which has {some}")
        return rows[0]

    def joined(self, other: StyleBank) -> StyleBank:
        """Add the images of another bank; those of the same name are replaced.

        Args:
            other: Codes of the same network.

        Returns:
            A bank of both.

        Raises:
            DataError: If the codes were made by different networks.
        """
        self.check_network(other.network)
        kept = [row for row, file in enumerate(self.files) if file not in other.files]
        return StyleBank(
            files=(*(self.files[row] for row in kept), *other.files),
            styles=torch.cat([self.styles[kept], other.styles]),
            present=torch.cat([self.present[kept], other.present]),
            class_names=self.class_names,
            network=self.network,
        )

    def check_network(self, fingerprint: str) -> None:
        """Make sure that the codes mean something to a network.

        Args:
            fingerprint: Its `network_fingerprint`.

        Raises:
            DataError: If another network made them.
        """
        if fingerprint != self.network:
            raise DataError(
                "the codes of the style bank were made by another network: make a bank with this "
                "checkpoint"
            )


def mix_styles(styles: Tensor, bank: StyleBank, takes: Mapping[int, Sequence[Take]]) -> Tensor:
    """Replace style codes by weighted means of codes of a bank.

    Args:
        styles: Codes ``(batch, tokens, width)``.
        bank: Where to take codes from.
        takes: For each class, the images whose codes are averaged, and their shares, which need
            not add up to 1.

    Returns:
        The codes ``(batch, tokens, width)``; ``styles`` is left as it was.

    Raises:
        ConfigError: If an image is not in the bank, lacks the class it is taken for, or shares
            add up to nothing.
    """
    mixed = styles.clone()
    for number, sources in takes.items():
        rows = [bank.find(name) for name, _ in sources]
        shares = styles.new_tensor([share for _, share in sources])
        name = bank.class_names[number]
        if not (shares >= 0).all() or not shares.sum() > 0:
            raise ConfigError(f"the shares of {name} have to be positive, not {shares.tolist()}")
        for row in rows:
            if not bank.present[row, number]:
                raise ConfigError(f"{bank.files[row]} has no {name} whose style could be taken")
        codes = bank.styles[rows, number].to(styles)
        mixed[:, number] = (shares / shares.sum()) @ codes
    return mixed


def network_fingerprint(network: nn.Module) -> str:
    """Tell networks apart: SHA-256 over the names, shapes and values of the weights.

    Args:
        network: The network, such as a style encoder.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def write_bank(path: Path, bank: StyleBank) -> None:
    """Write a bank as one safetensors file.

    Args:
        path: File to create or replace.
        bank: The codes.
    """
    metadata = {
        "kind": _KIND,
        "files": json.dumps(bank.files),
        "class_names": json.dumps(bank.class_names),
        "network": bank.network,
    }
    tensors = {
        "styles": bank.styles.detach().float().cpu().contiguous(),
        "present": bank.present.cpu().to(torch.uint8).contiguous(),
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def read_bank(path: Path) -> StyleBank:
    """Read a bank.

    Args:
        path: File of `write_bank`.

    Raises:
        DataError: If the file is missing, damaged or no style bank.
    """
    if not path.is_file():
        raise DataError(f"no style bank {path}: make one with `lightning-face sis bank`")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(f"style bank {path} cannot be read: {error}") from error
    if metadata.get("kind") != _KIND:
        raise DataError(f"{path} is no style bank: make one with `lightning-face sis bank`")
    return StyleBank(
        files=tuple(json.loads(metadata["files"])),
        styles=tensors["styles"],
        present=tensors["present"].bool(),
        class_names=tuple(json.loads(metadata["class_names"])),
        network=metadata["network"],
    )
