"""A mesh at several resolutions, with what spiral networks need to know about each."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError

__all__ = ["MeshHierarchy"]

FORMAT_VERSION = 1


@dataclass(frozen=True)
class MeshHierarchy:
    """Levels of a mesh from fine to coarse, the samplings between them, and their spirals.

    Attributes:
        vertices: Positions of each level ``(level vertices, 3)``, float64, in metres.
        faces: Triangles of each level ``(level faces, 3)``, int64.
        down: For each step to a coarser level, the fine vertex that every coarse one is
            ``(coarse vertices,)``, int64.
        up: For each such step, three coarse vertices of every fine one and their weights
            ``(fine vertices, 3)``, int64 and float64; a vertex of fewer has weights of 0.
        spirals: Vertices around each one, itself first, of each level
            ``(level vertices + 1, length)``, int32. -1 stands for the dummy vertex, which pads
            short spirals and has the last row.

    Raises:
        DataError: The parts do not belong together.
    """

    vertices: Sequence[NDArray[np.float64]]
    faces: Sequence[NDArray[np.int64]]
    down: Sequence[NDArray[np.int64]]
    up: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]
    spirals: Sequence[NDArray[np.int32]]

    def __post_init__(self) -> None:
        """Compare the parts with each other."""
        levels = len(self.spirals)
        counts = len(self.vertices), len(self.faces), len(self.down) + 1, len(self.up) + 1
        if not levels or set(counts) != {levels}:
            raise DataError(
                f"{levels} levels of spirals do not go with {counts[0]} of vertices, {counts[1]} "
                f"of faces, and {len(self.down)} and {len(self.up)} steps"
            )
        sizes = self.level_sizes
        for level, size in enumerate(sizes):
            _check(f"vertices of level {level}", self.vertices[level], (size, 3))
            _check_range(f"faces of level {level}", self.faces[level], 0, size)
            spirals = self.spirals[level]
            _check(f"spirals of level {level}", spirals, (size + 1, spirals.shape[1]))
            _check_range(f"spirals of level {level}", spirals, -1, size)
        for step, (fine, coarse) in enumerate(pairwise(sizes)):
            indices, weights = self.up[step]
            _check(f"down-sampling {step}", self.down[step], (coarse,))
            _check_range(f"down-sampling {step}", self.down[step], 0, fine)
            _check(f"up-sampling {step}", indices, (fine, 3))
            _check(f"weights of up-sampling {step}", weights, (fine, 3))
            _check_range(f"up-sampling {step}", indices, 0, coarse)

    @property
    def level_sizes(self) -> tuple[int, ...]:
        """Vertices of each level, without the dummy."""
        return tuple(len(each) - 1 for each in self.spirals)

    @property
    def spiral_lengths(self) -> tuple[int, ...]:
        """Length of the spirals of each level."""
        return tuple(each.shape[1] for each in self.spirals)

    def digest(self) -> str:
        """Return a SHA-256 of all parts, for provenance and caches."""
        total = hashlib.sha256()
        for name, array in self._arrays():
            total.update(f"{name} {array.dtype.str} {array.shape}".encode())
            total.update(np.ascontiguousarray(array).tobytes())
        return total.hexdigest()

    def save(self, path: Path | str) -> None:
        """Write all parts to one ``.npz`` file.

        Args:
            path: File to create or replace.
        """
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            content: dict[str, Any] = dict(self._arrays())
            content |= {"format_version": FORMAT_VERSION, "num_levels": len(self.spirals)}
            np.savez_compressed(file, **content)

    @classmethod
    def load(cls, path: Path | str) -> MeshHierarchy:
        """Read what `save` wrote.

        Args:
            path: The ``.npz`` file.

        Raises:
            DataError: The file is missing, damaged, or none of these files.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"there is no mesh hierarchy {path}")
        try:
            with np.load(path, allow_pickle=False) as file:
                version = int(file["format_version"])
                if version == FORMAT_VERSION:
                    return cls._from_arrays(file, int(file["num_levels"]))
        except KeyError as error:
            raise DataError(f"{path} is no mesh hierarchy: it lacks {error}") from None
        except DataError as error:
            raise DataError(f"{path} is damaged: {error}") from None
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is damaged or no mesh hierarchy: {error}") from error
        raise DataError(
            f"{path} is of version {version} of the format, this release reads version "
            f"{FORMAT_VERSION}; make the hierarchy again"
        )

    def _arrays(self) -> Iterator[tuple[str, NDArray[np.generic]]]:
        for level in range(len(self.spirals)):
            yield f"vertices_{level}", self.vertices[level]
            yield f"faces_{level}", self.faces[level]
            yield f"spirals_{level}", self.spirals[level]
        for step, (indices, weights) in enumerate(self.up):
            yield f"down_{step}", self.down[step]
            yield f"up_indices_{step}", indices
            yield f"up_weights_{step}", weights

    @classmethod
    def _from_arrays(cls, file: np.lib.npyio.NpzFile, levels: int) -> MeshHierarchy:
        return cls(
            tuple(file[f"vertices_{level}"] for level in range(levels)),
            tuple(file[f"faces_{level}"] for level in range(levels)),
            tuple(file[f"down_{step}"] for step in range(levels - 1)),
            tuple(
                (file[f"up_indices_{step}"], file[f"up_weights_{step}"])
                for step in range(levels - 1)
            ),
            tuple(file[f"spirals_{level}"] for level in range(levels)),
        )


def _check(name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise DataError(f"the {name} have shape {array.shape}, not {shape}")


def _check_range(name: str, array: NDArray[np.integer], low: int, end: int) -> None:
    if array.size and (array.min() < low or array.max() >= end):
        raise DataError(f"the {name} name vertices that are not among the {end}")
