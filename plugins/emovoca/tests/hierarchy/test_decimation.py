from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh
from lightning_face_emovoca.hierarchy import decimation
from lightning_face_emovoca.hierarchy.connected_parts import connected_parts
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy


def edge_counts(faces):
    return Counter(
        frozenset(edge) for a, b, c in faces.tolist() for edge in ((a, b), (b, c), (c, a))
    )


def test_every_level_has_a_quarter_of_the_vertices(head):
    hierarchy = build_hierarchy(head, num_levels=2)
    assert hierarchy.level_sizes == (236, 59, 15)


def test_coarse_vertices_are_fine_ones(head):
    hierarchy = build_hierarchy(head, num_levels=2)
    for step, kept in enumerate(hierarchy.down):
        assert (np.diff(kept) > 0).all()
        assert np.array_equal(hierarchy.vertices[step + 1], hierarchy.vertices[step][kept])


def test_up_sampling_stays_near_the_surface(head):
    hierarchy = build_hierarchy(head, num_levels=2, factor=2)
    size = np.ptp(head.vertices, axis=0).max()
    for step, (indices, weights) in enumerate(hierarchy.up):
        back = (weights[..., None] * hierarchy.vertices[step + 1][indices]).sum(axis=1)
        assert np.linalg.norm(back - hierarchy.vertices[step], axis=1).max() < 0.02 * size
        assert np.allclose(weights.sum(axis=1), 1)
        assert weights.min() >= 0


def test_levels_stay_surfaces_of_as_many_parts(head):
    hierarchy = build_hierarchy(head, num_levels=2)
    for vertices, faces in zip(hierarchy.vertices, hierarchy.faces, strict=True):
        assert max(edge_counts(faces).values()) == 2
        assert len(np.unique(connected_parts(faces, len(vertices)))) == 3
        assert set(faces.ravel().tolist()) == set(range(len(vertices)))


def test_vertices_are_sampled_up_from_their_own_part(head):
    hierarchy = build_hierarchy(head, num_levels=1)
    parts = connected_parts(head.faces, len(head.vertices))
    indices, weights = hierarchy.up[0]
    sources = parts[hierarchy.down[0][indices]]
    assert ((sources == parts[:, None]) | (weights == 0)).all()


def test_vertices_of_no_triangle_are_left_out(sheet):
    mesh = sheet()
    loose = Mesh(np.concatenate([mesh.vertices, [[0.5, 0.5, 0.5]]]), mesh.faces)
    hierarchy = build_hierarchy(loose, num_levels=1)
    assert hierarchy.level_sizes == (73, 19)
    assert 72 not in hierarchy.down[0]
    assert hierarchy.up[0][1][72].sum() == pytest.approx(1)


def test_reference_points_orient_the_spirals(head):
    ours = build_hierarchy(head, num_levels=1, reference_points=[3, 160, 200])
    others = build_hierarchy(head, num_levels=1, reference_points=[140, 160, 200])
    assert not np.array_equal(ours.spirals[0], others.spirals[0])


def test_is_made_once(head, monkeypatch):
    first = build_hierarchy(head, num_levels=1)
    monkeypatch.setattr(decimation, "collapse_edges", None)
    assert build_hierarchy(head, num_levels=1).digest() == first.digest()


def test_too_many_levels_are_refused(head):
    with pytest.raises(DataError, match=r"level 3 cannot have 4 vertices, .* ask for fewer levels"):
        build_hierarchy(head, num_levels=3)


def test_clouds_of_points_are_refused(head):
    with pytest.raises(DataError, match="without triangles"):
        build_hierarchy(Mesh(head.vertices, head.faces[:0]))


@pytest.mark.parametrize(("levels", "factor"), [(0, 4), (2, 1)])
def test_numbers_out_of_range_are_refused(head, levels, factor):
    with pytest.raises(ConfigError, match="num_levels is at least 1"):
        build_hierarchy(head, levels, factor)
