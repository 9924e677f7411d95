"""Zarr arrays over time that are written as their frames come, in memory of one chunk.

The library rewrites a whole shard for each of its chunks. Here a shard is a file that grows: its
chunks follow each other, and its index comes last, as the format has it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face_emovoca.builder.flushing import flush

__all__ = ["FrameArrayWriter", "write_array"]

_MISSING = np.uint64(2**64 - 1)


class FrameArrayWriter:
    """Writes an array ``(*variants, frames, *frame)``.

    Every variant gets its chunks in the order of time, all chunks but the last with
    ``chunk_frames`` frames. A context manager: the files are whole and on the disk when it ends.

    Args:
        folder: Folder of the array, to be made.
        shape: Shape of the array.
        frame_axis: Which axis is time.
        dtype: Type of its numbers, ``int16`` or ``float32``.
        chunk_frames: Frames of a chunk.
        shards: Whether each variant has a file of its own, or all share one.
        attributes: What the array says of itself.
    """

    def __init__(
        self,
        folder: Path,
        shape: Sequence[int],
        frame_axis: int,
        dtype: Literal["int16", "float32"],
        chunk_frames: int,
        shards: Literal["variant", "array"] = "variant",
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self._folder = folder
        self._shape = tuple(shape)
        self._variants = self._shape[:frame_axis]
        self._frame = self._shape[frame_axis + 1 :]
        self._chunk_frames = chunk_frames
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._chunks = -(-self._shape[frame_axis] // chunk_frames)
        chunk = (*(1,) * frame_axis, chunk_frames, *self._frame)
        lead = self._variants if shards == "array" else (1,) * frame_axis
        shard = (*lead, self._chunks * chunk_frames, *self._frame)
        grid = self._variants if shards == "variant" else (1,) * frame_axis
        self._shards = {
            place: _Shard(
                folder.joinpath("c", *map(str, (*place, 0, *(0 for _ in self._frame)))),
                (*lead, self._chunks, *(1 for _ in self._frame)),
            )
            for place in np.ndindex(*grid)
        }
        self._own_shard = shards == "variant"
        self._done = dict.fromkeys(np.ndindex(*self._variants), 0)
        folder.mkdir(parents=True)
        self._metadata = _metadata(self._shape, dtype, chunk, shard, attributes or {})

    def append(self, variant: tuple[int, ...], frames: NDArray[Any]) -> None:
        """Write the next chunk of a variant.

        Args:
            variant: Its place on the axes before time.
            frames: Frames ``(frames, *frame)``, fewer than a chunk only at the end.
        """
        place = self._done[variant]
        begin = place * self._chunk_frames
        expected = min(self._chunk_frames, self._shape[len(self._variants)] - begin)
        if frames.shape != (expected, *self._frame):
            raise ValueError(f"a chunk of shape {frames.shape}, not {(expected, *self._frame)}")
        block = np.zeros((self._chunk_frames, *self._frame), dtype=self._dtype)
        block[:expected] = frames
        shard = self._shards[variant if self._own_shard else (0,) * len(variant)]
        within = (0,) * len(variant) if self._own_shard else variant
        at = (*within, place, *(0 for _ in self._frame))
        shard.append(at, _packed(block))
        self._done[variant] = place + 1

    def digest(self, variant: tuple[int, ...]) -> str:
        """Return the SHA-256 of the file of a variant, once the array is whole."""
        return self._shards[variant if self._own_shard else (0,) * len(variant)].digest

    def __enter__(self) -> FrameArrayWriter:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the indices and the metadata, or only close the files after an error."""
        for shard in self._shards.values():
            shard.close(whole=kind is None)
        if kind is None:
            short = [place for place, count in self._done.items() if count != self._chunks]
            if short:
                raise ValueError(f"{self._folder}: the variants {short} have too few frames")
            _write_metadata(self._folder, self._metadata)


class _Shard:
    """One file of chunks."""

    def __init__(self, path: Path, chunks: tuple[int, ...]) -> None:
        self._path = path
        self._index = np.full((*chunks, 2), _MISSING, dtype="<u8")
        self._size = 0
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def append(self, place: tuple[int, ...], content: bytes) -> None:
        self._index[place] = self._size, len(content)
        self._write(content)

    def close(self, whole: bool) -> None:
        if whole:
            self._write(_checked(self._index.tobytes()))
        if self._file is not None:
            if whole:
                flush(self._file)
            self._file.close()

    def _write(self, content: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # stays open from chunk to chunk; the array closes it
            self._file = self._path.open("wb")
        self._file.write(content)
        self._hash.update(content)
        self._size += len(content)


def write_array(
    folder: Path, array: NDArray[Any], attributes: Mapping[str, Any] | None = None
) -> str:
    """Write an array that is in memory as one chunk.

    Args:
        folder: Folder of the array, to be made.
        array: Its numbers.
        attributes: What the array says of itself.

    Returns:
        SHA-256 of the file with its numbers.
    """
    content = _packed(array.astype(array.dtype.newbyteorder("<")))
    file = folder.joinpath("c", *("0" for _ in array.shape))
    file.parent.mkdir(parents=True)
    with file.open("wb") as opened:
        opened.write(content)
        flush(opened)
    chunk = array.shape
    _write_metadata(folder, _metadata(array.shape, array.dtype.name, chunk, None, attributes or {}))
    return hashlib.sha256(content).hexdigest()


def _packed(block: NDArray[Any]) -> bytes:
    """Compress a chunk, and add its checksum."""
    from numcodecs import blosc  # type: ignore[import-untyped]

    # several threads would write the same bytes, and more of them than there are cores
    blosc.use_threads = False
    codec = blosc.Blosc(cname="zstd", clevel=1, shuffle=blosc.SHUFFLE)
    return _checked(codec.encode(np.ascontiguousarray(block)))


def _checked(content: bytes) -> bytes:
    """Add the CRC-32C of some bytes behind them."""
    from google_crc32c import value as checksum

    return content + int(checksum(content)).to_bytes(4, "little")


def _write_metadata(folder: Path, metadata: dict[str, Any]) -> None:
    with (folder / "zarr.json").open("w") as file:
        json.dump(metadata, file, indent=2)
        flush(file)


def _metadata(
    shape: Sequence[int],
    dtype: str,
    chunk: Sequence[int],
    shard: Sequence[int] | None,
    attributes: Mapping[str, Any],
) -> dict[str, Any]:
    kind = np.dtype(dtype)
    plain = {"name": "bytes", "configuration": {"endian": "little"}}
    packed = {
        "name": "blosc",
        "configuration": {
            "typesize": kind.itemsize,
            "cname": "zstd",
            "clevel": 1,
            "shuffle": "shuffle",
            "blocksize": 0,
        },
    }
    checked = {"name": "crc32c"}
    codecs: list[dict[str, Any]] = [plain, packed, checked]
    if shard is not None:
        sharding = {
            "chunk_shape": list(chunk),
            "codecs": codecs,
            "index_codecs": [plain, checked],
            "index_location": "end",
        }
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": kind.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": list(chunk if shard is None else shard)},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0 if kind.kind in "iu" else 0.0,
        "codecs": codecs,
        "attributes": dict(attributes),
        "storage_transformers": [],
    }
