"""Masks, and lips told apart."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face.sample_heads.shape import draw_identity, lip_vertices, neutral
from lightning_face.sample_heads.topology import MOUTH_HEIGHT, HeadTopology
from lightning_face.testing.research_data import research_file
from lightning_face_scantalk.data.layout import LAYOUTS
from lightning_face_scantalk.data.masks import read_masks, split_lips
from lightning_face_scantalk.data.templates import TemplateBook

REAL_HEADS = {
    "vocaset": ("FaceTalk_170725_00137_TA.ply", "FaceTalk_170809_00138_TA.ply"),
    "BIWI_6": ("F1.obj", "M6.obj"),
    "multiface": ("20180227.ply", "20181017.ply"),
}


@pytest.mark.parametrize("frequency", [5, 8, 10])
def test_lips_that_are_cut_apart_are_told_apart(frequency):
    mesh = HeadTopology(frequency).sphere()
    head = neutral(mesh, draw_identity(np.random.default_rng(0)))
    upper, lower = split_lips(Mesh(head, mesh.faces), lip_vertices(mesh))
    height = mesh.directions[:, 1]
    assert height[upper].min() >= MOUTH_HEIGHT
    assert height[lower].max() <= MOUTH_HEIGHT
    assert not set(np.flatnonzero(mesh.side == 1)) & set(lower)
    assert not set(np.flatnonzero(mesh.side == -1)) & set(upper)


def test_lips_of_a_closed_mesh_are_told_apart_by_height():
    x, y = (each.reshape(-1) for each in np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-1, 1, 5)))
    vertices = np.column_stack([x, y, np.zeros_like(x)])
    faces = np.array(
        [
            corner
            for row in range(4)
            for i in range(row * 9, row * 9 + 8)
            for corner in ((i, i + 1, i + 9), (i + 1, i + 10, i + 9))
        ]
    )
    upper, lower = split_lips(Mesh(vertices, faces), np.arange(45))
    assert (vertices[upper, 1] > 0).all()
    assert (vertices[lower, 1] < 0).all()
    assert np.abs(vertices[np.r_[upper, lower], 0]).max() <= 1


def test_a_mask_without_two_lips_is_refused():
    mesh = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    with pytest.raises(DataError, match="do not make an upper and a lower lip"):
        split_lips(mesh, np.array([0, 1, 2]))


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_masks_of_the_data_sets(written, name):
    layout = LAYOUTS[name]
    folder = written / layout.folder
    subject = {"vocaset": "FaceTalk_170725_00137_TA", "BIWI": "F1"}.get(name, "20181017")
    head = TemplateBook(folder, layout).read(subject)
    masks = read_masks(folder, layout, head)
    lips = set(masks.lips)
    assert set(masks.upper_lip) < lips
    assert set(masks.lower_lip) < lips
    assert head.vertices[masks.upper_lip, 1].mean() > head.vertices[masks.lower_lip, 1].mean()


@pytest.mark.parametrize("name", sorted(REAL_HEADS))
def test_lips_of_real_heads(name):
    lips_path = research_file(f"heads/{name}/masks/lips.npy")
    if lips_path is None:
        pytest.skip("the research heads are not here")
    lips = np.load(lips_path)
    found = []
    for template in REAL_HEADS[name]:
        path = research_file(f"heads/{name}/templates/{template}")
        assert path is not None
        mesh = read_mesh(path)
        upper, lower = split_lips(mesh, lips)
        assert len(upper) > 30
        assert len(lower) > 30
        gap = mesh.vertices[upper, 1].mean() - mesh.vertices[lower, 1].mean()
        assert 0.008 < gap < 0.03
        found.append((set(upper), set(lower)))
    # one head of a topology is enough to tell the lips of all
    for one, other in zip(*found, strict=True):
        assert len(one & other) / len(one | other) > 0.8
