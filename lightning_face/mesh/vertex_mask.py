"""Files of the vertices that a part of a face consists of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["read_mask"]

_LIPS_VARIABLE = "lips_idx"


def read_mask(path: Path, num_vertices: int) -> NDArray[np.int64]:
    """Read the numbers of vertices.

    Args:
        path: ``.npy`` file of numbers from 0, or ``.mat`` file of numbers from 1 in its variable
            ``lips_idx``, or in its only one.
        num_vertices: How many vertices the heads have.

    Returns:
        Numbers from 0, in the order of the file.

    Raises:
        DataError: The file is missing, empty, damaged, or names a vertex that is not there.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty")
    one_based = path.suffix == ".mat"
    try:
        found = _mat_variable(path) if one_based else np.load(path, allow_pickle=False)
    except Exception as error:
        # SciPy and NumPy raise errors of any kind on damaged files
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    values = np.asarray(found).reshape(-1)
    if not values.size or values.dtype.kind not in "iu":
        raise DataError(f"{path} holds no whole numbers of vertices")
    values = values.astype(np.int64)
    least = 1 if one_based else 0
    if values.min() < least or values.max() >= num_vertices + least:
        wrong = values.min() if values.min() < least else values.max()
        raise DataError(
            f"{path} names vertex {wrong}, but the heads have {num_vertices} vertices, counted "
            f"from {least}"
        )
    return values - least


def _mat_variable(path: Path) -> Any:  # noqa: ANN401
    content = optional_import("scipy.io", extra="geometry").loadmat(path)
    variables = {name: value for name, value in content.items() if not name.startswith("__")}
    if _LIPS_VARIABLE in variables:
        return variables[_LIPS_VARIABLE]
    if len(variables) != 1:
        raise ValueError(f"no variable {_LIPS_VARIABLE} among {', '.join(variables) or 'none'}")
    return next(iter(variables.values()))
