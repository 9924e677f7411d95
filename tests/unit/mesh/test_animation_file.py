"""Files of meshes that move."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face.mesh.animation_file import open_animation, read_animation

FRAMES, FPS = 40, 25.0
SHAPES = np.random.default_rng(0).normal(size=(3, 6, 3)) * 0.01


@pytest.fixture
def neutral():
    corners = [(0, 0, 1), (0, 0, -1), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
    faces = [(0, 2 + k, 2 + (k + 1) % 4) for k in range(4)]
    faces += [(1, 2 + (k + 1) % 4, 2 + k) for k in range(4)]
    return Mesh(np.array(corners, dtype=float), np.array(faces))


@pytest.fixture
def frames(neutral):
    time = np.arange(FRAMES) / FPS
    weights = np.stack([np.sin(3 * time), np.cos(5 * time) - 1, np.sin(11 * time) ** 2], axis=1)
    return (neutral.vertices + np.tensordot(weights, SHAPES, 1)).astype(np.float32)


def write(path, neutral, frames, chunk=7):
    with open_animation(path, neutral, FPS, len(frames)) as writer:
        for first in range(0, len(frames), chunk):
            writer.add(frames[first : first + chunk])


def write_and_stop(path, neutral, frames):
    with open_animation(path, neutral, FPS, FRAMES) as writer:
        writer.add(frames[:3])
        raise RuntimeError("stop")


def read_glb(path):
    """Positions of every frame of a GLB file, by the letter of the specification."""
    content = path.read_bytes()
    magic, version, length = content[:4], *np.frombuffer(content[4:12], "<u4")
    assert (magic, version, length) == (b"glTF", 2, len(content))
    size = int(np.frombuffer(content[12:16], "<u4")[0])
    assert content[16:20] == b"JSON"
    document = json.loads(content[20 : 20 + size])
    binary = content[28 + size :]
    assert content[24 + size : 28 + size] == b"BIN\0"
    assert document["buffers"][0]["byteLength"] == len(binary)

    def array(number):
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        kind = {5126: "<f4", 5125: "<u4"}[accessor["componentType"]]
        width = {"SCALAR": 1, "VEC3": 3}[accessor["type"]]
        start = view["byteOffset"]
        assert start % 4 == 0
        assert view["byteLength"] == accessor["count"] * width * 4
        values = np.frombuffer(binary[start : start + view["byteLength"]], kind)
        values = values.reshape(accessor["count"], width)
        if "min" in accessor:
            np.testing.assert_allclose(values.min(axis=0), accessor["min"], rtol=1e-6)
            np.testing.assert_allclose(values.max(axis=0), accessor["max"], rtol=1e-6)
        return values

    mesh = document["meshes"][0]
    primitive = mesh["primitives"][0]
    targets = np.stack([array(target["POSITION"]) for target in primitive["targets"]])
    sampler = document["animations"][0]["samplers"][0]
    times, weights = array(sampler["input"])[:, 0], array(sampler["output"])
    weights = weights.reshape(len(times), len(targets))
    assert len(mesh["weights"]) == len(mesh["extras"]["targetNames"]) == len(targets)
    base = array(primitive["attributes"]["POSITION"])
    faces = array(primitive["indices"]).reshape(-1, 3) if "indices" in primitive else None
    return base + np.tensordot(weights, targets, 1), faces, times, weights


def test_npz_gives_back_frames_bit_by_bit(tmp_path, neutral, frames):
    write(tmp_path / "a.npz", neutral, frames)
    read = read_animation(tmp_path / "a.npz")
    np.testing.assert_array_equal(read.vertices, frames)
    np.testing.assert_array_equal(read.faces, neutral.faces)
    np.testing.assert_array_equal(read.template, neutral.vertices)
    assert read.fps == FPS


def test_npz_is_read_by_numpy_without_pickle(tmp_path, neutral, frames):
    write(tmp_path / "a.npz", neutral, frames)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as content:
        assert sorted(content) == ["faces", "fps", "template", "vertices"]


def test_folder_of_ply_has_a_file_for_each_frame(tmp_path, neutral, frames):
    write(tmp_path / "head", neutral, frames)
    assert len(list((tmp_path / "head").glob("frame_*.ply"))) == FRAMES
    last = read_mesh(tmp_path / "head" / f"frame_{FRAMES - 1:05d}.ply")
    np.testing.assert_allclose(last.vertices, frames[-1], atol=1e-7)
    np.testing.assert_array_equal(read_animation(tmp_path / "head").vertices, frames)


def test_folder_of_obj_gives_back_frames(tmp_path, neutral, frames):
    with open_animation(tmp_path / "moving", neutral, FPS, FRAMES, ".obj") as writer:
        writer.add(frames)
    assert len(list((tmp_path / "moving").glob("frame_*.obj"))) == FRAMES
    animation = read_animation(tmp_path / "moving")
    np.testing.assert_allclose(animation.vertices, frames, atol=1e-7)
    np.testing.assert_array_equal(animation.faces, neutral.faces)
    with pytest.raises(ConfigError, match="holds frames already"):
        write(tmp_path / "moving", neutral, frames)


@pytest.mark.parametrize("chunk", [1, 7, FRAMES])
def test_glb_morphs_to_every_frame(tmp_path, neutral, frames, chunk):
    write(tmp_path / "a.glb", neutral, frames, chunk)
    morphed, faces, times, weights = read_glb(tmp_path / "a.glb")
    assert np.abs(morphed - frames).max() < 3e-4 * 2
    np.testing.assert_array_equal(faces, neutral.faces)
    np.testing.assert_allclose(times, np.arange(FRAMES) / FPS, rtol=1e-6)
    assert weights.shape[1] == len(SHAPES), "three displacements move it, three targets do"
    assert np.abs(weights).max() <= 1 + 1e-6


def test_glb_of_noise_keeps_every_frame(tmp_path, neutral):
    noise = np.random.default_rng(1).normal(size=(FRAMES, 6, 3)).astype(np.float32)
    write(tmp_path / "a.glb", neutral, noise)
    morphed, *_ = read_glb(tmp_path / "a.glb")
    assert np.abs(morphed - noise).max() < 3e-4 * 2


def test_glb_of_a_mesh_that_stays_still(tmp_path, neutral):
    write(tmp_path / "a.glb", neutral, np.repeat(neutral.vertices[None], 5, axis=0))
    morphed, *_, weights = read_glb(tmp_path / "a.glb")
    np.testing.assert_allclose(morphed, np.repeat(neutral.vertices[None], 5, axis=0), atol=1e-7)
    assert weights.shape == (5, 1)


def test_glb_of_a_cloud_of_points(tmp_path, neutral, frames):
    write(tmp_path / "a.glb", Mesh(neutral.vertices, np.zeros((0, 3), np.int64)), frames)
    morphed, faces, *_ = read_glb(tmp_path / "a.glb")
    assert faces is None
    assert np.abs(morphed - frames).max() < 3e-4 * 2


@pytest.mark.parametrize("name", ["a.npz", "a.glb"])
def test_a_failure_leaves_the_old_file(tmp_path, neutral, frames, name):
    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop(tmp_path / name, neutral, frames)
    assert (tmp_path / name).read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.npz", "a.glb", "folder"])
def test_missing_frames_are_an_error(tmp_path, neutral, frames, name):
    with (
        pytest.raises(DataError, match="3 frames were made of 40"),
        open_animation(tmp_path / name, neutral, FPS, FRAMES) as writer,
    ):
        writer.add(frames[:3])


def test_glb_refuses_positions_that_are_not_finite(tmp_path, neutral, frames):
    frames[3, 2, 1] = np.nan
    with pytest.raises(DataError, match="not finite"):
        write(tmp_path / "a.glb", neutral, frames)


def test_other_suffixes_and_full_folders_are_refused(tmp_path, neutral, frames):
    with pytest.raises(ConfigError, match=r"\.npz, as \.glb"):
        write(tmp_path / "a.fbx", neutral, frames)
    write(tmp_path / "head", neutral, frames[:2])
    with pytest.raises(ConfigError, match="holds frames already"):
        write(tmp_path / "head", neutral, frames)


def test_flat_arrays_are_read(tmp_path, frames):
    np.save(tmp_path / "a.npy", frames.reshape(FRAMES, -1))
    read = read_animation(tmp_path / "a.npy")
    np.testing.assert_array_equal(read.vertices, frames)
    assert read.faces is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"motion": np.zeros(3)}, "no array `vertices`"),
        ({"vertices": np.zeros((4, 5, 2))}, r"\(frames, vertices, 3\)"),
        ({"vertices": np.full((4, 5, 3), np.nan)}, "no finite numbers"),
        ({"vertices": np.zeros((4, 5, 3)), "faces": np.array([[0, 1, 5]])}, "not there"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, content, message):
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(DataError, match=message):
        read_animation(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_damaged_and_missing_files_are_named(tmp_path, name):
    with pytest.raises(DataError, match="no such animation"):
        read_animation(tmp_path / name)
    (tmp_path / name).write_bytes(b"PK\3\4 nothing")
    with pytest.raises(DataError, match=name):
        read_animation(tmp_path / name)
