"""Arrays written chunk by chunk are what the Zarr library reads and would have written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from lightning_face.checkpoint.digest import file_digest
from lightning_face_emovoca.builder.frame_array import FrameArrayWriter, write_array


def write(folder, array, frame_axis, shards="variant", chunk=16, attributes=None):
    variants = array.shape[:frame_axis]
    name = array.dtype.name
    with FrameArrayWriter(
        folder, array.shape, frame_axis, name, chunk, shards, attributes
    ) as writer:
        for begin in range(0, array.shape[frame_axis], chunk):
            for at in np.ndindex(*variants):
                writer.append(at, array[at][begin : begin + chunk])
    return writer


@pytest.mark.parametrize("frames", [1, 15, 16, 17, 48])
@pytest.mark.parametrize("shards", ["variant", "array"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_library_reads_what_was_written(tmp_path, frames, shards, dtype):
    random = np.random.default_rng(0)
    array = (1000 * random.standard_normal((2, 3, frames, 7, 3))).astype(dtype)
    write(tmp_path / "a", array, 2, shards, attributes={"step": 1e-6})
    opened = zarr.open_array(tmp_path / "a", mode="r")
    np.testing.assert_array_equal(opened[...], array)
    np.testing.assert_array_equal(opened[1, 2, frames // 2], array[1, 2, frames // 2])
    assert opened.attrs["step"] == 1e-6
    assert opened.chunks == (1, 1, 16, 7, 3)


def test_metadata_is_that_of_the_library(tmp_path):
    array = np.zeros((2, 3, 20, 4, 3), dtype=np.int16)
    write(tmp_path / "ours", array, 2, attributes={"step": 0.5})
    compressor = BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")
    zarr.create_array(
        tmp_path / "theirs",
        shape=array.shape,
        chunks=(1, 1, 16, 4, 3),
        shards=(1, 1, 32, 4, 3),
        dtype="int16",
        compressors=[compressor, Crc32cCodec()],
        attributes={"step": 0.5},
    )
    ours, theirs = (
        json.loads((tmp_path / name / "zarr.json").read_text()) for name in ("ours", "theirs")
    )
    assert ours == theirs


def test_frames_alone(tmp_path):
    array = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    writer = write(tmp_path / "a", array, 0)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a", mode="r")[...], array)
    assert writer.digest(()) == file_digest(tmp_path / "a/c/0/0")


def test_every_variant_has_a_file_and_its_digest(tmp_path):
    array = np.random.default_rng(0).integers(-99, 99, (2, 3, 20, 4, 3)).astype(np.int16)
    writer = write(tmp_path / "a", array, 2)
    digests = {writer.digest(at) for at in np.ndindex(2, 3)}
    assert len(digests) == 6
    assert writer.digest((1, 2)) == file_digest(tmp_path / "a/c/1/2/0/0/0")


def test_changed_byte_is_noticed(tmp_path):
    array = np.random.default_rng(0).integers(-99, 99, (1, 1, 20, 4, 3)).astype(np.int16)
    write(tmp_path / "a", array, 2)
    file = tmp_path / "a/c/0/0/0/0/0"
    content = bytearray(file.read_bytes())
    content[30] ^= 1
    file.write_bytes(content)
    opened = zarr.open_array(tmp_path / "a", mode="r")
    with pytest.raises(ValueError, match="checksum"):
        opened[0, 0, 0]


@pytest.mark.parametrize("count", [15, 17])
def test_chunk_of_the_wrong_length(tmp_path, count):
    with (
        pytest.raises(ValueError, match="a chunk of shape"),
        FrameArrayWriter(tmp_path / "a", (32, 3), 0, "float32", 16) as writer,
    ):
        writer.append((), np.zeros((count, 3), np.float32))
    assert not (tmp_path / "a/zarr.json").exists()


def test_missing_frames(tmp_path):
    with (
        pytest.raises(ValueError, match=r"the variants \[\(1,\)\] have too few frames"),
        FrameArrayWriter(tmp_path / "a", (2, 16, 3), 1, "float32", 16) as writer,
    ):
        writer.append((0,), np.zeros((16, 3), np.float32))
    assert not (tmp_path / "a/zarr.json").exists()


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "float32", "float64"])
def test_whole_array(tmp_path, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    digest = write_array(tmp_path / "a", array, {"name": "value"})
    opened = zarr.open_array(tmp_path / "a", mode="r")
    np.testing.assert_array_equal(opened[...], array)
    assert opened.dtype == array.dtype
    assert dict(opened.attrs) == {"name": "value"}
    assert digest == file_digest(tmp_path / "a/c/0/0/0")
