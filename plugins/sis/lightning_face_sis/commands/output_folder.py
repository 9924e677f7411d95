"""Folders of results that never lose what was written before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.picture_table import PictureTable, write_overview
from lightning_face.errors import ConfigError

__all__ = ["OutputFolder"]

_OVERVIEW = ("contact_sheet.png", "index.html")


class OutputFolder:
    """Pictures of a command, written one by one, and an overview in the end.

    Args:
        path: The folder; made when the first picture is written.
        existing: What to do with pictures that are there: ``refuse``, ``keep`` or ``replace``.

    Raises:
        ConfigError: If there is a file of that name.
    """

    def __init__(self, path: Path, existing: str) -> None:
        self.path = path.expanduser()
        self.existing = existing
        if self.path.is_file():
            raise ConfigError(f"--out {self.path} is a file: name a folder")

    def claim(self, names: Iterable[str]) -> None:
        """Make sure that nothing is lost, before any work is done.

        Args:
            names: Files that will be written, relative to the folder.

        Raises:
            ConfigError: If one exists and is neither to be kept nor to be replaced.
        """
        if self.existing != "refuse":
            return
        found = [name for name in (*names, *_OVERVIEW) if (self.path / name).exists()]
        if found:
            more = f" and {len(found) - 1} more files exist" if len(found) > 1 else " exists"
            raise ConfigError(
                f"{self.path / found[0]}{more} already: name another folder, or say --existing "
                "keep or replace"
            )

    def needs(self, name: str) -> bool:
        """Tell whether a picture has to be made: it does not exist, or is to be replaced.

        Args:
            name: Its file, relative to the folder.
        """
        return self.existing != "keep" or not (self.path / name).exists()

    def write(self, name: str, picture: Image.Image) -> None:
        """Write a picture.

        Args:
            name: Its file, relative to the folder.
            picture: What to write.
        """
        with atomic_path(self.path / name) as temporary:
            picture.save(temporary, format="PNG")

    def finish(self, table: PictureTable, title: str, lead: str) -> None:
        """Write the overview of all pictures and tell where it is.

        Args:
            table: The pictures.
            title: Heading of the page.
            lead: One sentence below it.
        """
        written = write_overview(self.path, table, title, lead)
        print("".join(f"{path}\n" for path in written), end="")
