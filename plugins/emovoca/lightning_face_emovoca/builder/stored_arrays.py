"""Reading the arrays of a store, with damage found out."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = ["StoredArrays"]

_OPEN_ARRAYS = 64


class StoredArrays:
    """Arrays of a store by their names, the last ones kept open.

    Args:
        path: Folder of the store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrays: OrderedDict[str, Any] = OrderedDict()

    def read(self, name: str, at: Any = ...) -> NDArray[Any]:  # noqa: ANN401
        """Read an array or a part of it.

        Args:
            name: Its name, such as ``template/ACTOR``.
            at: What to read, as NumPy has it.

        Raises:
            DataError: The array is missing or damaged.
        """
        array = self._open(name)
        self._check_files(name, array, at)
        try:
            found: NDArray[Any] = array[at]
        except (OSError, ValueError, RuntimeError) as error:
            # zarr passes on whatever the decompressor and the checksum raise
            raise DataError(f"the array {self._path / name} is damaged: {error}") from error
        return found

    def attributes(self, name: str) -> dict[str, Any]:
        """Return what an array says of itself.

        Args:
            name: Its name.

        Raises:
            DataError: The array is missing or damaged.
        """
        return dict(self._open(name).attrs)

    def _open(self, name: str) -> Any:  # noqa: ANN401
        if name not in self._arrays:
            import zarr

            folder = self._path / name
            if not (folder / "zarr.json").is_file():
                raise DataError(f"the array {folder} is missing")
            try:
                self._arrays[name] = zarr.open_array(str(folder), mode="r")
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise DataError(f"the array {folder} is damaged: {error}") from error
            if len(self._arrays) > _OPEN_ARRAYS:
                self._arrays.popitem(last=False)
        self._arrays.move_to_end(name)
        return self._arrays[name]

    def _check_files(self, name: str, array: Any, at: Any) -> None:  # noqa: ANN401
        """Refuse an array that lost files, which zarr takes for one full of zeros."""
        folder = self._path / name
        wanted = at if isinstance(at, tuple) else ()
        places = []
        for axis, (size, part) in enumerate(
            zip(array.shape, array.shards or array.chunks, strict=True)
        ):
            one = wanted[axis] if axis < len(wanted) else None
            places.append([one // part] if isinstance(one, int) else range(-(-size // part)))
        for place in itertools.product(*places):
            file = folder.joinpath("c", *map(str, place))
            if not file.is_file():
                raise DataError(f"the array {folder} is damaged: {file} is missing")
