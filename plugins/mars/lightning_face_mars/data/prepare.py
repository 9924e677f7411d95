"""The raw file of a data set divided into the files that the published training reads."""

from __future__ import annotations

import json
from pathlib import Path

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_mars.data.person_layout import PARTS, PartName, find_layout
from lightning_face_mars.data.person_records import read_records, read_rows

__all__ = ["prepare_persons"]


def prepare_persons(root: Path) -> dict[PartName, Path]:
    """Write ``processed_data/{train,val,test}.json`` beside the raw file.

    All fields are kept; the path of a picture is called ``file_path`` in all data sets. A part
    that a data set lacks gets an empty list.

    Args:
        root: Folder of the data set.

    Returns:
        The file of each part.

    Raises:
        DataError: There is no raw file, or it holds something that cannot be used.
    """
    layout = find_layout(root)
    read_records(root, layout)
    rows = read_rows(root / layout.raw_file)
    paths = {part: layout.prepared_file(root, part) for part in PARTS}
    for part, path in paths.items():
        chosen = [
            {"file_path" if key == layout.path_key else key: value for key, value in row.items()}
            for row in rows
            if row["split"] == part
        ]
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(chosen) + "\n", encoding="utf-8")
    return paths
