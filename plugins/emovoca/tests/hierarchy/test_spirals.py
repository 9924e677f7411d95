from __future__ import annotations

import hashlib
import math
from itertools import pairwise

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.hierarchy.published_hierarchy import read_published_hierarchy
from lightning_face_emovoca.hierarchy.spirals import (
    SpiralSettings,
    default_settings,
    level_reference_points,
    pack_spirals,
    shortest_paths,
    spiral_tables,
    vertex_spirals,
)

COLUMNS = 8
# of the lattice of 9 rows and 8 columns: far from its boundary, on it, and in a corner
INNER, EDGE, CORNER = 4 * COLUMNS + 4, 4, 0


def neighbours(faces, vertex):
    return set(faces[(faces == vertex).any(axis=1)].ravel().tolist()) - {vertex}


def second_neighbours(faces, vertex):
    first = neighbours(faces, vertex)
    return set().union(*(neighbours(faces, each) for each in first)) - first - {vertex}


def turns(vertices, around, centre):
    """Angles between consecutive vertices, seen against the z axis."""
    arms = vertices[around] - vertices[centre]
    angles = np.unwrap(np.arctan2(arms[:, 1], arms[:, 0]))
    return np.diff(angles)


class TestSpiral:
    @pytest.mark.parametrize("counter_clockwise", [True, False])
    def test_goes_round_the_neighbours_one_after_another(self, sheet, counter_clockwise):
        mesh = sheet()
        spirals = vertex_spirals(mesh.vertices, mesh.faces, [CORNER], 1, counter_clockwise)
        centre, *ring = spirals[INNER]
        assert centre == INNER
        assert set(ring) == neighbours(mesh.faces, INNER)
        assert len(ring) == 6
        angles = turns(mesh.vertices, ring, INNER)
        assert (np.sign(angles) == (1 if counter_clockwise else -1)).all()

    def test_goes_round_the_second_ring_behind_the_first(self, sheet):
        mesh = sheet()
        spiral = vertex_spirals(mesh.vertices, mesh.faces, [CORNER], 2)[INNER]
        assert set(spiral[7:]) == second_neighbours(mesh.faces, INNER)
        assert len(spiral) == len(set(spiral)) == 19
        for one, other in pairwise(spiral[7:]):
            assert other in neighbours(mesh.faces, one)

    def test_begins_on_the_way_to_the_reference_point(self, sheet):
        mesh = sheet()
        spirals = vertex_spirals(mesh.vertices, mesh.faces, [CORNER], 1)
        previous = shortest_paths(mesh.vertices, mesh.faces, [CORNER]).previous
        assert [each[1] for each in spirals[1:]] == previous[1:]

    def test_begins_at_the_nearest_neighbour_of_a_reference_point(self, sheet):
        mesh = sheet()
        mesh.vertices[INNER] += 0.4 * (mesh.vertices[INNER + 1] - mesh.vertices[INNER])
        spirals = vertex_spirals(mesh.vertices, mesh.faces, [INNER], 1)
        assert spirals[INNER][1] == INNER + 1

    def test_marks_the_boundary(self, sheet):
        mesh = sheet()
        spirals = vertex_spirals(mesh.vertices, mesh.faces, [INNER], 1)
        assert spirals[INNER].count(-1) == 0
        assert spirals[EDGE].count(-1) == 1
        assert set(spirals[EDGE]) - {-1, EDGE} == neighbours(mesh.faces, EDGE)

    def test_of_a_vertex_without_triangles_is_that_vertex(self, sheet):
        mesh = sheet()
        vertices = np.concatenate([mesh.vertices, [[1.0, 1.0, 1.0]]])
        assert vertex_spirals(vertices, mesh.faces, [CORNER], 2)[-1] == [len(mesh.vertices)]

    def test_of_a_vertex_that_nothing_leads_from_is_that_vertex(self, head):
        spirals = vertex_spirals(head.vertices, head.faces, [0], 2)
        assert spirals[-1] == [len(head.vertices) - 1]

    def test_does_not_depend_on_numpy_types(self, sheet):
        mesh = sheet()
        wide = vertex_spirals(mesh.vertices, mesh.faces, [CORNER], 2)
        narrow = vertex_spirals(mesh.vertices, mesh.faces.astype(np.uint32), [CORNER], 2)
        assert wide == narrow

    def test_of_a_triangle_with_a_corner_twice_is_an_error(self, sheet):
        mesh = sheet()
        faces = np.concatenate([mesh.faces, [[3, 4, 3]]])
        with pytest.raises(DataError, match="triangle 112 has a corner twice"):
            vertex_spirals(mesh.vertices, faces, [CORNER], 2)


class TestShortestPaths:
    def test_lead_to_the_reference_point(self, sheet):
        mesh = sheet()
        paths = shortest_paths(mesh.vertices, mesh.faces, [CORNER])
        assert paths.previous[CORNER] == -1
        for vertex in range(1, len(mesh.vertices)):
            length, here = 0.0, vertex
            while here != CORNER:
                ahead = paths.previous[here]
                length += math.dist(mesh.vertices[here], mesh.vertices[ahead])
                here = ahead
            assert paths.distances[vertex] == pytest.approx(length)

    def test_of_two_points_on_one_part_the_last_decides(self, sheet):
        mesh = sheet()
        both = shortest_paths(mesh.vertices, mesh.faces, [INNER, CORNER])
        assert both == shortest_paths(mesh.vertices, mesh.faces, [CORNER])

    def test_end_where_a_part_has_no_reference_point(self, head):
        paths = shortest_paths(head.vertices, head.faces, [0])
        assert paths.previous[-1] == -1
        assert paths.distances[-1] == math.inf


class TestReferencePoints:
    def test_are_the_nearest_vertices_of_each_level(self, sheet):
        mesh = sheet()
        levels = [mesh.vertices, mesh.vertices[::3]]
        first, second = level_reference_points(levels, [INNER, EDGE])
        assert first.tolist() == [INNER, EDGE]
        assert second.tolist() == [INNER // 3, round(EDGE / 3)]

    def test_of_equally_near_vertices_the_first_is_taken(self):
        fine = np.array([[0.1, 0.0, 0.0]])
        coarse = np.array([[0.1, 0.001, 0.0], [0.1, 0.0, 0.001 - 1e-17], [0.1, 0.0, 0.0005]])
        assert level_reference_points([fine, coarse[:2]], [0])[1].tolist() == [0]
        assert level_reference_points([fine, coarse], [0])[1].tolist() == [2]

    def test_outside_the_mesh_are_an_error(self, sheet):
        with pytest.raises(ConfigError, match="reference point 72 is not among the 72"):
            level_reference_points([sheet().vertices], [0, 72])

    def test_are_on_every_part_by_default(self, head):
        settings = default_settings(head.vertices, head.faces, 3)
        paths = shortest_paths(head.vertices, head.faces, settings.reference_points)
        assert len(settings.reference_points) == 3
        assert max(paths.distances) < math.inf
        assert settings.rings == settings.dilation == (2, 2, 1)


class TestTable:
    def test_has_the_mean_length_and_so_many_deviations(self):
        spirals = [list(range(length)) for length in (3, 5, 7, 9)]
        assert pack_spirals(spirals, 1, 0).shape == (5, 6)
        # the deviation is that of the population, 2.236
        assert pack_spirals(spirals, 1, 1).shape == (5, 8)

    def test_is_filled_and_cut(self):
        table = pack_spirals([[0, 5, 6, 7], [1, 8]], 1, 0)
        assert table.tolist() == [[0, 5, 6], [1, 8, -1], [-1, -1, -1]]
        assert table.dtype == np.int32

    def test_keeps_the_first_and_every_other_vertex_behind_it(self):
        table = pack_spirals([[0, 1, 2, 3, 4, 5, 6]], 2, 0)
        assert table[0].tolist() == [0, 1, 3, 5]

    def test_asks_for_settings_of_all_levels(self, sheet):
        mesh = sheet()
        with pytest.raises(ConfigError, match="of 2 and 1 levels, the mesh has 1"):
            spiral_tables([mesh.vertices], [mesh.faces], SpiralSettings((0,), (2, 1)))

    def test_of_the_published_template_is_the_published_one(self):
        path = research_file("emovoca/downsampling_matrices.pkl")
        if path is None:
            pytest.skip("needs downsampling_matrices.pkl of the published template")
        found = [
            hashlib.sha256(table.astype("<i4").tobytes()).hexdigest()
            for table in read_published_hierarchy(path).spirals
        ]
        assert found == [
            "e5031c513f145637558365498100f1eda9e2d84fabc308f765fbf400e3750086",
            "7f88a3616329e956a09c74890e4ec98391e966df74bcd4861626140a8bf254f1",
            "b4b4f61c42a970fcc94b43e6054b54687f002b8a173eab3041da242e8f1f9ff1",
            "2eefb27adeab17aa558cc8563ebd14b45f596985d069aada5b0156f6451c990c",
            "d5c74a6dbc2b1643f2327bec2aad41aa7f9c0b9787ac35b90f005a3c8f76de12",
        ]
