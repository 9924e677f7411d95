"""VOCAset without registration."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.sample_heads.shape import draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.data.remesh_command import main
from lightning_face_scantalk.data.remeshing import locate, remesh, write_remeshed
from lightning_face_scantalk.data.unregistered_file import frame_lengths, read_frames
from lightning_face_scantalk.data.unregistered_heads import UnregisteredHeadsDataModule

pytest.importorskip("fast_simplification")

SUBJECT = "FaceTalk_170725_00137_TA"


@pytest.fixture
def head():
    """A head at rest and its movement."""
    mesh = HeadTopology(10).sphere()
    shape = neutral(mesh, draw_identity(np.random.default_rng(0)))
    return Mesh(shape, mesh.faces), movement(mesh)


@pytest.mark.parametrize(("subdivisions", "faces"), [(0, 800), (1, 1200)])
def test_remeshed_surfaces_have_the_faces_asked_for_and_the_same_shape(head, subdivisions, faces):
    mesh, _ = head
    other = remesh(mesh, faces, subdivisions)
    assert len(other.faces) == pytest.approx(faces, abs=2)
    assert other.faces.max() < len(other.vertices)
    np.testing.assert_allclose(
        np.ptp(other.vertices, axis=0), np.ptp(mesh.vertices, axis=0), atol=0.01
    )


def test_few_faces_are_kept_as_they_are(head):
    mesh, _ = head
    same = remesh(mesh, len(mesh.faces), subdivisions=0)
    np.testing.assert_array_equal(same.faces, mesh.faces)


def test_vertices_are_found_on_their_own_mesh_and_on_their_own_lip(head):
    mesh, way = head
    points = locate(mesh, mesh)
    np.testing.assert_allclose(points.weights.sum(axis=1), 1)
    np.testing.assert_allclose(points.on(mesh.vertices[None])[0], mesh.vertices, atol=1e-6)
    opened = (mesh.vertices + way)[None]
    np.testing.assert_allclose(points.on(opened)[0], opened[0], atol=1e-6)
    assert points.inside(np.array([5, 17])).tolist() == [5, 17]


def test_remeshed_vocaset_can_be_trained_on(root, tmp_path):
    target = tmp_path / "remeshed"
    assert write_remeshed(root, target, num_faces=900) == 6
    module = UnregisteredHeadsDataModule(str(target), num_eigenpairs=6)
    module.setup("fit")
    sample = module.parts["train"][0]
    registered = np.load(root / "vocaset/vertices_npy" / f"{SUBJECT}_sentence01.npy")
    assert len(sample["targets"]) == len(registered[::2])
    assert all(len(faces) <= 900 for faces in sample["target_faces"])
    lips = sample["vertices"][:, sample["lips"]] - sample["template"][sample["lips"]]
    ways = registered.reshape(len(registered), -1, 3)[::2]
    largest = np.abs(ways - ways[:1]).max()
    assert 0.5 * largest < lips.abs().max() < 2 * largest
    assert len(sample["upper_lip"]) > 0


def test_raw_scans_are_brought_to_metres_and_to_their_place(root, tmp_path):
    source, target = tmp_path / "scans", tmp_path / "out"
    template = read_mesh(root / "vocaset/flame_model/FLAME_sample.ply")
    shift = np.array([100.0, -50.0, 30.0])
    for index in range(4):
        path = source / SUBJECT / "sentence01" / f"sentence01.{index:06}.ply"
        path.parent.mkdir(parents=True, exist_ok=True)
        moved = Mesh(1000 * template.vertices + shift + (index, 0, 0), template.faces)
        write_mesh(path, moved)
    assert main([str(root), str(target), "--scans", str(source), "--num-faces", "300"]) == 0
    name = f"{SUBJECT}_sentence01"
    frames = read_frames(target, name, frame_lengths(target, name))
    # every second scan, and one translation for all of them
    assert len(frames) == 2
    assert all(len(mesh.faces) == pytest.approx(300, abs=2) for mesh in frames)
    offset = frames[1].vertices.mean(axis=0) - frames[0].vertices.mean(axis=0)
    np.testing.assert_allclose(offset, [0.002, 0, 0], atol=2e-3)
    first = read_mesh(target / "templates" / f"{SUBJECT}.ply")
    np.testing.assert_allclose(first.vertices, frames[0].vertices, atol=1e-6)
    registered = np.load(root / "vocaset/templates.pkl", allow_pickle=True)[SUBJECT]
    np.testing.assert_allclose(
        first.vertices[first.vertices[:, 2].argmax()],
        registered[registered[:, 2].argmax()],
        atol=0.01,
    )


def test_command_says_what_it_wrote_and_refuses_what_cannot_be(root, tmp_path, capsys):
    target = tmp_path / "out"
    assert main([str(root), str(target), "--num-faces", "300"]) == 0
    assert "6 sequences written" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="is not empty"):
        main([str(root), str(target)])
    with pytest.raises(ConfigError, match="--num-faces 3: at least 4"):
        main([str(root), str(tmp_path / "other"), "--num-faces", "3"])
    with pytest.raises(ConfigError, match="--workers 0"):
        main([str(root), str(tmp_path / "other"), "--workers", "0"])
    with pytest.raises(DataError, match="has no scans"):
        main([str(root), str(tmp_path / "other"), "--scans", str(tmp_path)])
