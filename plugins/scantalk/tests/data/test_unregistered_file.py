"""Padded sequences of meshes."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh
from lightning_face_scantalk.data.unregistered_file import (
    FACES,
    LENGTHS,
    VERTICES,
    frame_lengths,
    read_frames,
    write_frames,
)


def frames(counts) -> list[Mesh]:
    random = np.random.default_rng(0)
    meshes = []
    for vertices, faces in counts:
        positions = random.standard_normal((vertices, 3)).astype(np.float32).astype(np.float64)
        meshes.append(Mesh(positions, random.integers(0, vertices, (faces, 3))))
    return meshes


@pytest.fixture
def folder(tmp_path):
    """A sequence of four frames."""
    write_frames(tmp_path, "a", frames([(5, 3), (7, 2), (4, 6), (6, 0)]))
    return tmp_path


@pytest.mark.parametrize("with_lengths", [True, False])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_frames_come_back_without_padding(folder, with_lengths, stride):
    if not with_lengths:
        (folder / LENGTHS / "a.npy").unlink()
    lengths = frame_lengths(folder, "a")
    assert lengths.tolist() == [[5, 3], [7, 2], [4, 6], [6, 0]]
    found = read_frames(folder, "a", lengths, stride)
    written = frames([(5, 3), (7, 2), (4, 6), (6, 0)])[::stride]
    for one, other in zip(found, written, strict=True):
        np.testing.assert_array_equal(one.vertices, other.vertices)
        np.testing.assert_array_equal(one.faces, other.faces)


def test_padding_is_zeros_and_minus_one(folder):
    assert (np.load(folder / VERTICES / "a.npy")[0, 5:] == 0).all()
    assert (np.load(folder / FACES / "a.npy")[0, 3:] == -1).all()


def test_a_point_at_the_origin_inside_a_frame_is_no_padding(folder):
    path = folder / VERTICES / "a.npy"
    vertices = np.load(path)
    vertices[0, 2] = 0
    np.save(path, vertices)
    (folder / LENGTHS / "a.npy").unlink()
    assert frame_lengths(folder, "a")[0].tolist() == [5, 3]


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (VERTICES, lambda array: array[:3], "has 3 frames, but .* has 4"),
        (VERTICES, lambda array: array[..., :2], "not \\(frames, rows, 3\\)"),
        (VERTICES, lambda array: array[:0], "not \\(frames, rows, 3\\)"),
        (FACES, lambda array: array * 1.0, "no numbers of vertices"),
        (LENGTHS, lambda array: array[:3], "not two whole numbers for each of 4 frames"),
        (LENGTHS, lambda array: array * 1.0, "not two whole numbers"),
        (LENGTHS, lambda array: array + 3, "frame 0 has 8 vertices .* at most 7"),
        (LENGTHS, lambda array: array * 0, "frame 0 has 0 vertices"),
    ],
)
def test_files_that_contradict_each_other_are_named(folder, part, change, message):
    path = folder / part / "a.npy"
    np.save(path, change(np.load(path)))
    with pytest.raises(DataError, match=message) as caught:
        frame_lengths(folder, "a")
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("part", [VERTICES, FACES])
@pytest.mark.parametrize("kept", [None, 0, 40, -2])
def test_missing_empty_and_truncated_files_are_named(folder, part, kept):
    path = folder / part / "a.npy"
    content = path.read_bytes()
    path.unlink()
    if kept is not None:
        path.write_bytes(content[:kept])
    with pytest.raises(DataError, match=rf"{part}/a\.npy is"):
        frame_lengths(folder, "a")


def test_frames_of_zeros_are_refused(folder):
    (folder / LENGTHS / "a.npy").unlink()
    vertices = np.load(folder / VERTICES / "a.npy")
    vertices[2] = 0
    np.save(folder / VERTICES / "a.npy", vertices)
    with pytest.raises(DataError, match=r"vertices_npy/a\.npy: frame 2 has 0 vertices"):
        frame_lengths(folder, "a")


def test_wrong_content_is_named_by_frame(folder):
    lengths = frame_lengths(folder, "a")
    faces = np.load(folder / FACES / "a.npy")
    faces[1, 0, 0] = 7
    np.save(folder / FACES / "a.npy", faces)
    with pytest.raises(DataError, match=r"faces_npy/a\.npy: a face of frame 1 names a vertex"):
        read_frames(folder, "a", lengths)
    vertices = np.load(folder / VERTICES / "a.npy")
    vertices[0, 1] = np.nan
    np.save(folder / VERTICES / "a.npy", vertices)
    with pytest.raises(DataError, match=r"vertices_npy/a\.npy: the vertices of frame 0 are not"):
        read_frames(folder, "a", lengths)
