"""Tokens of images in a temporary file, for galleries that do not fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["TokenStore"]


class TokenStore:
    """Tokens in bfloat16 in a file that is removed with the object, 0.9 MB a published image.

    Args:
        folder: Where the file lies; the system's folder of temporary files if left out.
    """

    def __init__(self, folder: Path | None = None) -> None:
        # closed and removed with the object, also by an exception
        self._folder = tempfile.TemporaryDirectory(prefix="image-tokens-", dir=folder)
        self._path = Path(self._folder.name, "tokens")
        self._shapes: list[tuple[int, ...]] = []

    def append(self, tokens: Tensor) -> None:
        """Write a batch.

        Args:
            tokens: Tokens ``(batch, tokens, width)``.
        """
        stored = tokens.to("cpu", torch.bfloat16).contiguous()
        with self._path.open("ab") as file:
            file.write(stored.view(torch.int16).numpy().tobytes())
        self._shapes.append(tuple(stored.shape))

    def batches(self) -> Iterator[Tensor]:
        """Read the batches as they were written.

        Yields:
            Tokens ``(batch, tokens, width)`` in bfloat16, mapped into memory.
        """
        sizes = [torch.Size(shape).numel() for shape in self._shapes]
        stored = torch.from_file(
            str(self._path), shared=False, size=sum(sizes), dtype=torch.bfloat16
        )
        for part, shape in zip(stored.split(sizes), self._shapes, strict=True):
            yield part.view(shape)
