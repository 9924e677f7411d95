import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.networks.spiral_tables import SpiralTables
from lightning_face_emovoca.topology import check_topology


@pytest.fixture(scope="module")
def hierarchy(small_root):
    return TemplateFiles.read(small_root / "src" / "template").hierarchy


@pytest.fixture(scope="module")
def tables(hierarchy):
    tables = SpiralTables(hierarchy.level_sizes, hierarchy.spiral_lengths)
    tables.load_hierarchy(hierarchy)
    return tables


@pytest.fixture
def mesh(hierarchy):
    return Mesh(hierarchy.vertices[0], hierarchy.faces[0])


def test_another_face_of_the_topology_is_taken(mesh, tables):
    check_topology(Mesh(2 * mesh.vertices + 1, mesh.faces[::-1]), tables, "face.ply")


def test_a_few_other_triangles_do_no_harm(mesh, tables):
    check_topology(Mesh(mesh.vertices, mesh.faces[:-4]), tables, "face.ply")


def test_another_number_of_vertices_is_refused_with_advice(mesh, tables):
    more = np.concatenate([mesh.vertices, mesh.vertices[:1]])
    with pytest.raises(DataError, match=r"face\.ply has .* vertices.*Register the template"):
        check_topology(Mesh(more, mesh.faces), tables, "face.ply")


def test_vertices_in_another_order_are_refused(mesh, tables):
    order = np.random.default_rng(0).permutation(len(mesh.vertices))
    places = np.argsort(order)
    shuffled = Mesh(mesh.vertices[order], places[mesh.faces])
    with pytest.raises(DataError, match="numbered in another order"):
        check_topology(shuffled, tables, "face.ply")


def test_a_cloud_of_points_is_refused(mesh, tables):
    with pytest.raises(DataError, match="cloud of points"):
        check_topology(Mesh(mesh.vertices, np.zeros((0, 3), np.int64)), tables, "face.ply")


@pytest.mark.skipif(
    research_file("emovoca/downsampling_matrices.pkl") is None
    or research_file("emovoca/COMA_CH01.npz") is None,
    reason="the published template and expressions are not here",
)
def test_real_faces_are_of_the_published_topology():
    folder = research_file("emovoca/COMA_CH01.npz").parent
    hierarchy = TemplateFiles.read(folder).hierarchy
    tables = SpiralTables(hierarchy.level_sizes, hierarchy.spiral_lengths)
    tables.load_hierarchy(hierarchy)
    check_topology(read_mesh(folder / "template.obj"), tables, "template.obj")
    with np.load(folder / "COMA_CH01.npz") as file:
        vertices, faces = file["vertices"].astype(np.float64), file["faces"].astype(np.int64)
    for face in vertices:
        check_topology(Mesh(face, faces), tables, "expression")
    with pytest.raises(DataError, match="another order"):
        check_topology(Mesh(vertices[0], (faces + 1) % len(vertices[0])), tables, "expression")
