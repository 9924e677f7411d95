"""Operators of surfaces, computed once and kept on the disk."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.cache import cache_folder
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError
from lightning_face.mesh.mesh_file import Mesh
from lightning_face.mesh.operators import OperatorSettings, SurfaceOperators, operator_arrays

__all__ = ["ALGORITHM_VERSION", "BuildReport", "build_operators", "cached_operators"]

ALGORITHM_VERSION = 1
"""Raised whenever `operator_arrays` would give something else for the same mesh."""

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class BuildReport:
    """What a folder of operators was found to hold.

    Attributes:
        found: Names of the meshes whose operators were there already.
        computed: Names of those whose operators were not.
    """

    found: tuple[str, ...]
    computed: tuple[str, ...]


def cached_operators(
    mesh: Mesh,
    settings: OperatorSettings | None = None,
    folder: Path | str | None = None,
    name: str = "the mesh",
) -> SurfaceOperators:
    """Read the operators of a mesh, or compute and keep them.

    An entry is found by positions, faces and settings alone, and one with more eigenpairs than
    asked for serves as well. Any number of processes may share a folder. A damaged entry is
    computed again, with a warning.

    Args:
        mesh: Surface, or cloud of points, in metres.
        settings: What to compute; 128 eigenpairs if None.
        folder: Where entries are; ``operators`` in the cache folder of Lightning Face if None.
        name: How errors call the mesh, such as the path of its file.

    Returns:
        The operators, on the CPU, the same from the disk as from the computation.

    Raises:
        ConfigError: A setting is out of its range, or the folder cannot be written to.
        DataError: The mesh has no operators, as `surface_operators` says.
    """
    settings, folder = settings or OperatorSettings(), _folder(folder)
    arrays = _find(mesh, settings, folder, name)
    if arrays is None:
        arrays = _compute(mesh, settings, folder, name)
    return SurfaceOperators.from_arrays(arrays).truncated(settings.num_eigenpairs)


def build_operators(
    meshes: Mapping[str, Mesh],
    settings: OperatorSettings | None = None,
    folder: Path | str | None = None,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> BuildReport:
    """Compute the operators of many meshes that are not kept yet, several at a time.

    Args:
        meshes: Surfaces or clouds by name; errors call them by it.
        settings: The same as of `cached_operators`.
        folder: The same as of `cached_operators`.
        workers: Number of processes; 1 computes in this one.
        progress: Called with the name of each mesh whose operators have been computed.

    Returns:
        Which were found and which were computed.

    Raises:
        ConfigError: A setting is out of its range, or the folder cannot be written to.
        DataError: A mesh has no operators; those of the others that were computed are kept.
    """
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, not {workers}")
    settings, folder = settings or OperatorSettings(), _folder(folder)
    missing = {
        name: mesh for name, mesh in meshes.items() if _find(mesh, settings, folder, name) is None
    }
    # the same head under several names is computed once
    keys = {name: _key(mesh, settings) for name, mesh in missing.items()}
    first = {key: name for name, key in reversed(keys.items())}
    report = progress or (lambda name: None)
    if workers == 1 or len(first) < 2:
        for name in first.values():
            _compute(missing[name], settings, folder, name)
            report(name)
    else:
        # nothing of this process, such as its threads, must reach the workers
        context = multiprocessing.get_context("spawn")
        with (
            _one_thread_each(),
            ProcessPoolExecutor(min(workers, len(first)), mp_context=context) as pool,
        ):
            tasks: dict[Future[Arrays], str] = {
                pool.submit(_compute, missing[name], settings, folder, name): name
                for name in first.values()
            }
            try:
                for task in as_completed(tasks):
                    task.result()
                    report(tasks[task])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return BuildReport(tuple(name for name in meshes if name not in missing), tuple(missing))


def _folder(folder: Path | str | None) -> Path:
    return cache_folder() / "operators" if folder is None else Path(folder)


def _key(mesh: Mesh, settings: OperatorSettings) -> str:
    """Digest what operators depend on, but for the number of eigenpairs."""
    vertices = np.ascontiguousarray(mesh.vertices, dtype="<f8")
    faces = np.ascontiguousarray(mesh.faces, dtype="<i8")
    words = (ALGORITHM_VERSION, settings.gradient_regularization, vertices.shape, faces.shape)
    digest = hashlib.sha256(repr(words).encode())
    digest.update(vertices.data)
    digest.update(faces.data)
    return digest.hexdigest()


def _entry(mesh: Mesh, settings: OperatorSettings, folder: Path) -> Path:
    return folder / f"{_key(mesh, settings)}-{settings.num_eigenpairs}.safetensors"


def _find(mesh: Mesh, settings: OperatorSettings, folder: Path, name: str) -> Arrays | None:
    """Read the entry of a mesh that has the fewest eigenpairs above those asked for."""
    entries = {
        int(path.stem.rpartition("-")[2]): path
        for path in folder.glob(f"{_key(mesh, settings)}-*.safetensors")
    }
    for eigenpairs in sorted(entries):
        if eigenpairs >= settings.num_eigenpairs:
            arrays = _read(entries[eigenpairs])
            if arrays is not None:
                return arrays
            # another process may have removed it since the folder was listed
            if entries[eigenpairs].exists():
                warnings.warn(
                    f"{entries[eigenpairs]} is damaged; the operators of {name} are computed again",
                    stacklevel=3,
                )
    return None


def _compute(mesh: Mesh, settings: OperatorSettings, folder: Path, name: str) -> Arrays:
    from safetensors.numpy import save_file

    arrays = operator_arrays(mesh, settings, name)
    entry = _entry(mesh, settings, folder)
    try:
        with atomic_path(entry) as temporary:
            save_file(arrays, temporary, metadata={"sha256": _digest(arrays)})
    except OSError as error:
        raise ConfigError(
            f"the operators of {name} cannot be kept in {folder}: {error}; name a folder that can "
            "be written to, such as by LIGHTNING_FACE_CACHE"
        ) from error
    return arrays


def _read(entry: Path) -> Arrays | None:
    """Read an entry, or return None if it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(entry, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            expected = (file.metadata() or {}).get("sha256")
    except (OSError, SafetensorError):
        return None
    return arrays if expected == _digest(arrays) else None


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for key in sorted(arrays):
        digest.update(f"{key} {arrays[key].dtype} {arrays[key].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[key]).data)
    return digest.hexdigest()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that are started meanwhile do linear algebra in one thread."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
