"""How the three data sets of captioned pedestrians lie on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lightning_face.errors import DataError

__all__ = [
    "CUHK_PEDES",
    "ICFG_PEDES",
    "IMAGE_FOLDER",
    "LAYOUTS",
    "PARTS",
    "RSTPREID",
    "PartName",
    "PersonLayout",
    "find_layout",
]

PartName = Literal["train", "val", "test"]

PARTS: tuple[PartName, ...] = ("train", "val", "test")
"""Parts of a data set, by the names in its files."""

IMAGE_FOLDER = "imgs"
"""Folder that the paths of the pictures begin in."""


@dataclass(frozen=True)
class PersonLayout:
    """Names of the files and fields of one data set.

    Args:
        name: Name of the data set, and usually of its folder.
        raw_file: File with a record a picture, as distributed.
        path_key: Field of a record that holds the path of its picture.
        parts: Parts that the data set has.
        source: Where it is to be had.
    """

    name: str
    raw_file: str
    path_key: str
    parts: tuple[PartName, ...]
    source: str

    def prepared_file(self, root: Path, part: PartName) -> Path:
        """Return the file of one part of a prepared folder.

        Args:
            root: Folder of the data set.
            part: Part of it.
        """
        return root / "processed_data" / f"{part}.json"


CUHK_PEDES = PersonLayout(
    name="CUHK-PEDES",
    raw_file="reid_raw.json",
    path_key="file_path",
    parts=PARTS,
    source="CUHK-PEDES (ask the authors of https://github.com/ShuangLI59/"
    "Person-Search-with-Natural-Language-Description for it: imgs/ and reid_raw.json)",
)

ICFG_PEDES = PersonLayout(
    name="ICFG-PEDES",
    raw_file="ICFG-PEDES.json",
    path_key="file_path",
    parts=("train", "test"),
    source="ICFG-PEDES (https://github.com/zifyloo/SSAN tells how: imgs/ and ICFG-PEDES.json)",
)

RSTPREID = PersonLayout(
    name="RSTPReid",
    raw_file="data_captions.json",
    path_key="img_path",
    parts=PARTS,
    source="RSTPReid (https://github.com/NjtechCVLab/RSTPReid-Dataset tells how: imgs/ and "
    "data_captions.json)",
)

LAYOUTS: dict[str, PersonLayout] = {
    "cuhk-pedes": CUHK_PEDES,
    "icfg-pedes": ICFG_PEDES,
    "rstpreid": RSTPREID,
}
"""Layouts by the registered name of their data module."""


def find_layout(root: Path) -> PersonLayout:
    """Tell by its raw file which data set a folder holds.

    Args:
        root: Folder of the data set.

    Raises:
        DataError: None of the raw files is there.
    """
    for layout in LAYOUTS.values():
        if (root / layout.raw_file).is_file():
            return layout
    files = ", ".join(f"{layout.raw_file} of {layout.name}" for layout in LAYOUTS.values())
    raise DataError(f"{root} holds none of {files}: name the folder that has it")
