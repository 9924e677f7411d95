"""How the trainer writes and reads its checkpoints."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO, Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from typing_extensions import override

from lightning_face.checkpoint.atomic import atomic_path, sweep_temporaries
from lightning_face.checkpoint.digest import read_digests, sidecar, write_digests
from lightning_face.checkpoint.safe_load import load_checkpoint

__all__ = ["AtomicCheckpointIO"]


class AtomicCheckpointIO(CheckpointIO):
    """Checkpoints that are never half written, with a checksum, read without running code.

    A flipped bit inside a tensor loads without complaint, hence the checksum. It lies beside the
    checkpoint as ``NAME.ckpt.sha256``. Two files cannot be renamed at once: the list names the old
    and the new content before the checkpoint is renamed, and the new one alone afterwards, so a
    crash at any moment leaves a checkpoint that its list confirms.
    """

    def __init__(self) -> None:
        self._swept: set[Path] = set()

    @override
    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,
    ) -> None:
        path = Path(path)
        folder = path.parent.resolve()
        if folder not in self._swept:
            sweep_temporaries(folder)
            self._swept.add(folder)
        with atomic_path(path) as temporary:
            with temporary.open("wb") as file:
                writer = _DigestingWriter(file)
                torch.save(checkpoint, writer)  # type: ignore[arg-type]
            new = writer.digest.hexdigest()
            old = read_digests(sidecar(path)).get(path.name, set()) if path.exists() else set()
            write_digests(sidecar(path), {path.name: old | {new}})
        write_digests(sidecar(path), {path.name: {new}})

    @override
    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = "cpu",
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        return load_checkpoint(path, map_location=map_location)

    @override
    def remove_checkpoint(self, path: str | Path) -> None:
        path = Path(path)
        path.unlink(missing_ok=True)
        sidecar(path).unlink(missing_ok=True)


class _DigestingWriter:
    """File that computes the checksum of what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:  # noqa: ANN401
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()
