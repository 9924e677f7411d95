"""Pickles of NumPy arrays, sparse matrices and plain values, read without running any code.

Published data come as pickles of Python 2 and 3. An ordinary unpickler calls whatever a file asks
for; to this one nothing exists but arrays, ``scipy.sparse.csc_matrix`` and plain values.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["read_array_pickle", "read_plain_pickle"]

_NPY_MAGIC = b"\x93NUMPY"


def read_plain_pickle(path: Path) -> Any:  # noqa: ANN401
    """Read a pickle of arrays, sparse matrices and plain values, also one of Python 2.

    Args:
        path: The pickle, or a ``.npy`` file with a pickled object in it.

    Returns:
        Dictionaries, lists, tuples and sets of arrays, numbers, text, None and
        ``scipy.sparse.csc_array``.

    Raises:
        DataError: The file is missing, empty, damaged, or asks for anything else.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def read_array_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Read a pickled dictionary of NumPy arrays, also one of Python 2, without running any code.

    Args:
        path: The pickle.

    Raises:
        DataError: The file is missing, empty, damaged, or holds anything but arrays by name.
    """
    found = read_plain_pickle(path)
    if not isinstance(found, dict) or not found:
        raise DataError(f"{path} holds no dictionary of arrays")
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, np.ndarray):
            raise DataError(f"{path}: the entry {key!r} is not an array under a name")
    return found


def _read(path: Path, file: IO[bytes]) -> Any:  # noqa: ANN401
    start = file.read(len(_NPY_MAGIC))
    if not start:
        raise DataError(f"{path} is empty")
    file.seek(0)
    try:
        if start == _NPY_MAGIC:
            _skip_npy_header(file)
        return _plain(_ArrayUnpickler(path, file).load())
    except DataError:
        raise
    except Exception as error:
        # damaged bytes make the unpickler raise errors of any kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} is damaged or no pickle: {reason}") from error


def _skip_npy_header(file: IO[bytes]) -> None:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        _, _, kind = np.lib.format.read_array_header_1_0(file)
    else:
        _, _, kind = np.lib.format.read_array_header_2_0(file)
    if not kind.hasobject:
        raise ValueError(f"it is a plain array of {kind}")


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler to which nothing but NumPy arrays and sparse matrices exists."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        super().__init__(file, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        # the modules moved in NumPy 2 and SciPy 1.8
        if module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            if name == "_reconstruct":
                return _empty_array
            if name == "scalar":
                return _scalar
        if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
            return _array_from_buffer
        if module in ("scipy.sparse.csc", "scipy.sparse._csc") and name == "csc_matrix":
            return _SparseState
        if module in ("copy_reg", "copyreg") and name == "_reconstructor":
            return _empty_sparse_state
        known = {
            ("numpy", "ndarray"): _ARRAY_CLASS,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _latin1_bytes,
            ("__builtin__", "object"): object,
            ("builtins", "object"): object,
        }
        if (module, name) in known:
            return known[module, name]
        raise DataError(
            f"{self._path} was not read: it asks for {module}.{name}, and anything but NumPy "
            "arrays could run code"
        )


class _SparseState:
    """What a pickled sparse matrix consists of, before it is known to be sound."""

    def __init__(self) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401
        self.state = state

    def matrix(self) -> Any:  # noqa: ANN401
        """Return the matrix, checked to its last index."""
        sparse = optional_import("scipy.sparse", extra="geometry")
        state = self.state
        if not isinstance(state, dict):
            raise TypeError("a sparse matrix without content")
        parts = tuple(_plain(state[name]) for name in ("data", "indices", "indptr"))
        matrix = sparse.csc_array(parts, shape=_plain(state["_shape"]))
        matrix.check_format(full_check=True)
        return matrix


# a mark instead of the class itself, which could be called
_ARRAY_CLASS = "numpy.ndarray"


def _empty_array(kind: Any, shape: Any, code: Any) -> NDArray[Any]:  # noqa: ANN401
    """Stand in for NumPy's own function; the content of the array follows in the pickle."""
    if kind is not _ARRAY_CLASS:
        raise TypeError("no array")
    return np.ndarray((0,), np.int8)


def _array_from_buffer(
    content: bytes | bytearray,
    kind: np.dtype[Any],
    shape: tuple[int, ...],
    order: Literal["C", "F"],
) -> NDArray[Any]:
    """Return an array of a pickle of protocol 5, which has its bytes as they lie in memory."""
    if kind.hasobject:
        raise TypeError("an array of objects as bytes")
    return np.frombuffer(content, dtype=kind).reshape(shape, order=order)


def _empty_sparse_state(kind: Any, base: Any, state: Any) -> _SparseState:  # noqa: ANN401
    """Stand in for what makes objects in the oldest pickles; the content follows."""
    if kind is not _SparseState or base is not object or state is not None:
        raise TypeError("no sparse matrix")
    return _SparseState()


def _scalar(kind: np.dtype[Any], content: bytes | str) -> Any:  # noqa: ANN401
    """Return a number stored as its bytes, which are text in the pickles of Python 2."""
    if kind.hasobject:
        raise TypeError("a number that is an object")
    data = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(data, dtype=kind, count=1)[0]


def _latin1_bytes(text: str, encoding: str) -> bytes:
    """Return the bytes that Python 3 stores as text for the pickles of Python 2."""
    if encoding != "latin1":
        raise ValueError(f"bytes as {encoding}")
    return text.encode("latin1")


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Check that a value is made of arrays and plain values, and make its sparse matrices."""
    if value is None or isinstance(value, (str, bytes, bool, int, float, np.generic)):
        return value
    if isinstance(value, np.ndarray):
        if not value.dtype.hasobject:
            return value
        if value.ndim == 0:
            return _plain(value.item())
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_plain(each) for each in value)
    if isinstance(value, _SparseState):
        return value.matrix()
    raise TypeError(f"a {type(value).__name__} in place of an array")
