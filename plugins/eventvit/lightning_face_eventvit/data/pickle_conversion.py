"""Turning the pickled npz files of the data set into plain arrays, once and only on demand.

The published landmarks and coefficients are Python objects inside npz files. Reading a pickle can
run any code that its author chose, so nothing else in this package does it.
"""

from __future__ import annotations

import logging
import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.data.alpha_track import plain_path
from lightning_face_eventvit.data.layout import scan_recordings

__all__ = ["convert_pickle", "convert_pickles", "is_pickled", "main", "track_files"]

log = logging.getLogger(__name__)

_NAMES = ("alphas*.npz", "landmarks*.npz")


def main(argv: list[str]) -> int:
    """Run ``lightning-face eventvit convert-pickles``.

    Args:
        argv: The words behind it.

    Returns:
        The exit status.

    Raises:
        ConfigError: If the pickles are not declared as trusted.
        DataError: If a file is damaged.
    """
    parser = VerbParser(
        "eventvit convert-pickles",
        "Write the pickled landmarks and coefficients of FACEMORPHIC as plain arrays beside them.",
    )
    parser.add_argument("root", metavar="ROOT", type=Path, help="folder that holds recordings/")
    parser.add_argument(
        "--trust-pickle",
        action="store_true",
        help="read the pickles: they come from someone you trust, since they can run any code",
    )
    options = parser.parse_args(argv)
    written = convert_pickles(options.root.expanduser(), trust_pickle=options.trust_pickle)
    print(f"{len(written)} files written")
    return 0


def convert_pickles(root: Path, *, trust_pickle: bool = False) -> list[Path]:
    """Write every pickled track of a data set as plain arrays beside it.

    ``<name>.npz`` becomes ``<name>.plain.npz`` with ``alphas (frames, 32)``, ``valid (frames,)``
    and ``identity (22,)``, or with ``landmarks (frames, points, 2)`` and ``valid``. Frames without
    a face are zeros. Files that are plain, or converted since they changed last, are left alone.

    Args:
        root: Folder that holds ``recordings``.
        trust_pickle: Whether the pickles may be read, which can run any code inside them.

    Returns:
        The files written.

    Raises:
        ConfigError: If there are pickles and they are not declared as trusted.
        DataError: If a file is damaged or holds something else.
    """
    pickled = [path for path in track_files(root) if is_pickled(path) and not _is_converted(path)]
    if pickled and not trust_pickle:
        raise ConfigError(
            f"{len(pickled)} files hold pickles, such as {pickled[0]}: reading them can run any "
            "code; pass --trust-pickle if they come from someone you trust"
        )
    return [convert_pickle(path) for path in pickled]


def convert_pickle(path: Path) -> Path:
    """Write one pickled track as plain arrays; the pickle is read, so it must be trusted.

    Args:
        path: File with a pickled dictionary as its array ``arr_0``.

    Returns:
        The file written.

    Raises:
        DataError: If the file is damaged or holds something else.
    """
    try:
        with np.load(path, allow_pickle=True) as arrays:
            content = arrays["arr_0"].item()
        plain: dict[str, Any] = _plain_arrays(content)
    except (
        *(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, ImportError),
        *(pickle.UnpicklingError, zipfile.BadZipFile),
    ) as error:
        raise DataError(f"{path} holds no pickled landmarks or coefficients: {error}") from error
    target = plain_path(path)
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        np.savez(file, **plain)
    return target


def track_files(root: Path) -> list[Path]:
    """List the files of landmarks and coefficients of a data set, conversions left out.

    Args:
        root: Folder that holds ``recordings``.
    """
    return [
        path
        for clip in scan_recordings(root)
        if "frames" in clip.parts
        for pattern in _NAMES
        for path in sorted(clip.part("frames").glob(pattern))
        if not path.name.endswith(".plain.npz")
    ]


def is_pickled(path: Path) -> bool:
    """Tell whether an npz file holds a pickle, without reading it.

    Args:
        path: The file.

    Raises:
        DataError: If it is no npz file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return "arr_0" in arrays.files
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no npz file: {error}") from error


def _is_converted(path: Path) -> bool:
    target = plain_path(path)
    return target.is_file() and target.stat().st_mtime_ns >= path.stat().st_mtime_ns


def _plain_arrays(content: dict[str, Any]) -> dict[str, NDArray[Any]]:
    if "alphas" in content:
        identity = np.asarray(content["identity_alphas"], dtype=np.float64)
        return {**_stacked("alphas", content["alphas"]), "identity": identity}
    return _stacked("landmarks", content["landmarks"])


def _stacked(name: str, rows: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Stack rows of one shape; an empty one is a frame without a face."""
    found = [np.asarray(row, dtype=np.float64) for row in rows]
    shapes = {row.shape for row in found if row.size}
    if len(shapes) != 1:
        raise ValueError(f"{name} of the shapes {sorted(shapes)}")
    empty = np.zeros(shapes.pop())
    return {
        name: np.stack([row if row.size else empty for row in found]),
        "valid": np.array([row.size > 0 for row in found]),
    }
