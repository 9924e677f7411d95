"""Checksums beside the files they belong to, in the format of ``sha256sum``."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lightning_face.checkpoint.atomic import atomic_path

__all__ = ["file_digest", "read_digests", "sidecar", "write_digests"]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sidecar(path: Path) -> Path:
    """Return the file that holds the checksum of ``path``."""
    return path.with_name(f"{path.name}.sha256")


def read_digests(file: Path) -> dict[str, set[str]]:
    """Return the checksums listed in a file, by file name; a name may have several.

    Args:
        file: List of checksums; one that does not exist is empty.
    """
    digests: dict[str, set[str]] = {}
    if file.is_file():
        for line in file.read_text().splitlines():
            digest, _, name = line.partition("  ")
            digests.setdefault(name, set()).add(digest)
    return digests


def write_digests(file: Path, digests: dict[str, set[str]]) -> None:
    """Write a list of checksums in place of an older one.

    Args:
        file: List to write.
        digests: Checksums by file name.
    """
    with atomic_path(file) as temporary:
        temporary.write_text(
            "".join(
                f"{digest}  {name}\n"
                for name, values in sorted(digests.items())
                for digest in sorted(values)
            )
        )
