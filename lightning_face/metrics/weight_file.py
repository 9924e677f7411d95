"""Files of published weights that a metric needs and a user has to fetch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError

__all__ = ["WeightFile"]


class WeightFile(NamedTuple):
    """A file of weights and where it comes from.

    Attributes:
        name: File name looked for in the folder.
        url: Where the file is published.
        published_name: Name of the file there, accepted as well.
    """

    name: str
    url: str
    published_name: str

    def find(self, folder: str | Path) -> Path:
        """Return the path of the file in a folder.

        Args:
            folder: Folder the user keeps such files in.

        Returns:
            The path, under either name.

        Raises:
            WeightsError: If the file is not there; the message says where to get it.
        """
        for name in (self.name, self.published_name):
            path = Path(folder) / name
            if path.is_file():
                return path
        msg = f"{Path(folder) / self.name} is missing: download {self.url} and save it there"
        raise WeightsError(msg)

    def load(self, folder: str | Path) -> dict[str, Tensor]:
        """Read the file's tensors.

        Args:
            folder: Folder the user keeps such files in.

        Returns:
            The tensors by name.

        Raises:
            WeightsError: If the file is not there.
            CheckpointError: If it cannot be read safely.
        """
        return load_tensors(self.find(folder))
