"""The expression basis by which coefficients become displacements."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lightning_face.errors import DataError
from lightning_face.morphable.model_file import read_arrays

__all__ = ["read_expression_basis"]


def read_expression_basis(path: Path | str, num_coefficients: int = 32) -> Tensor:
    """Read the components of an expression basis, without the mean face.

    Args:
        path: ``.npz`` or ``.mat`` file with an array ``(3 * vertices, coefficients)``; among
            several of that width the one named after expressions counts.
        num_coefficients: Coefficients of a frame.

    Returns:
        The components in metres ``(3 * vertices, coefficients)``, float64.

    Raises:
        DataError: The file is missing, damaged, or holds no such array or several.
    """
    fitting = {
        name: array
        for name, array in read_arrays(Path(path).expanduser()).items()
        if array.ndim == 2 and array.shape[1] == num_coefficients and array.shape[0] % 3 == 0
    }
    named = {name: array for name, array in fitting.items() if "expression" in name}
    chosen = list((named if len(fitting) > 1 else fitting).values())
    if len(chosen) != 1:
        found = ", ".join(sorted(fitting)) or "none"
        raise DataError(
            f"{path} must hold one expression basis (3 * vertices, {num_coefficients}), named "
            f"expression_components where there are more arrays of that width; found: {found}"
        )
    return torch.from_numpy(chosen[0].astype("float64"))
