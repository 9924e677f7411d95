"""Operators of surfaces agree with their definitions, and take meshes as they come."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, OperatorSettings, read_mesh, surface_operators
from lightning_face.mesh.operators import operator_arrays
from lightning_face.testing.research_data import research_file

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("potpourri3d")
pytest.importorskip("robust_laplacian")

NO_FACES = np.zeros((0, 3), dtype=np.int64)


def sphere(subdivisions=3, radius=0.1):
    body = trimesh.creation.icosphere(subdivisions, radius)
    return Mesh(np.array(body.vertices), np.array(body.faces, dtype=np.int64))


def joined(*meshes):
    starts = itertools.accumulate((len(mesh.vertices) for mesh in meshes), initial=0)
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def with_vertices(mesh, *positions):
    return Mesh(np.concatenate([mesh.vertices, np.array(positions)]), mesh.faces)


def with_faces(mesh, *faces):
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, np.array(faces)]))


def fin():
    """A sphere with an edge of three faces."""
    grown = with_vertices(sphere(), [0.2, 0.2, 0.2])
    a, b, _ = grown.faces[0]
    return with_faces(grown, [a, b, len(grown.vertices) - 1])


def scrambled():
    """A sphere with a face without area, a face twice and a vertex twice."""
    mesh = sphere()
    a, b, c = mesh.faces[5]
    mesh = with_vertices(mesh, mesh.vertices[a], (mesh.vertices[a] + mesh.vertices[b]) / 2)
    last = len(mesh.vertices) - 1
    return with_faces(mesh, [a, b, last], [a, a, b], [last - 1, b, c], [a, b, c])


MESHES = {
    "closed": sphere(),
    "open": Mesh(sphere().vertices, sphere().faces[200:]),
    "disconnected": joined(sphere(), sphere(2, 0.02), sphere(2, 0.02)),
    "unreferenced vertices": with_vertices(sphere(), [0, 0, 0.3], [0, 0.3, 0]),
    "non-manifold": fin(),
    "degenerate faces and duplicates": scrambled(),
    "unoriented": Mesh(
        sphere().vertices, np.concatenate([sphere().faces[:100, ::-1], sphere().faces[100:]])
    ),
    "cloud": Mesh(sphere().vertices, NO_FACES),
}


def dense(operators, values):
    size = operators.num_vertices
    matrix = torch.zeros(size, size, dtype=torch.float64)
    rows = torch.repeat_interleave(torch.arange(size), operators.indptr.diff())
    matrix[rows, operators.indices] = values.double()
    return matrix


@pytest.mark.parametrize("regularization", ["absolute", "relative"])
@pytest.mark.parametrize("name", MESHES)
def test_every_kind_of_mesh_has_operators(name, regularization):
    mesh = MESHES[name]
    operators = surface_operators(mesh, 40, regularization)
    assert (operators.num_vertices, operators.num_eigenpairs) == (len(mesh.vertices), 40)
    assert (operators.mass > 0).all()
    assert (operators.eigenvalues.diff() >= 0).all()
    assert operators.eigenvalues[0] >= 0
    basis, mass = operators.eigenbasis.double(), operators.mass.double()
    torch.testing.assert_close(
        basis.T @ (mass[:, None] * basis), torch.eye(40).double(), atol=1e-5, rtol=0
    )
    starts, ends = operators.indptr[:-1], operators.indptr[1:]
    for row in zip(starts, ends, range(len(starts)), strict=True):
        columns = operators.indices[row[0] : row[1]]
        assert (columns.diff() > 0).all()
        assert row[2] in columns
    for values in (operators.gradient_x, operators.gradient_y):
        assert values.isfinite().all()
        of_constant = dense(operators, values).sum(dim=1)
        assert of_constant.abs().max() < 1e-5 * values.abs().max()


def test_a_sphere_has_the_spectrum_of_a_sphere():
    radius = 0.1
    values = surface_operators(sphere(4, radius), 25).eigenvalues * radius**2
    degrees = torch.repeat_interleave(torch.arange(5), 2 * torch.arange(5) + 1)
    torch.testing.assert_close(values, (degrees * (degrees + 1)).float(), rtol=2e-2, atol=1e-3)


def test_masses_add_up_to_the_area():
    mesh = sphere(4, 0.1)
    assert surface_operators(mesh, 4).mass.sum() == pytest.approx(4 * np.pi * 0.01, rel=1e-2)


def test_a_gradient_of_height_points_up():
    """On a fine sphere without regularisation, gradients are those of the function in space."""
    mesh = sphere(4, 0.1)
    operators = surface_operators(mesh, 4, "relative")
    height = torch.from_numpy(mesh.vertices[:, 1])
    slope = torch.stack(
        [dense(operators, v) @ height for v in (operators.gradient_x, operators.gradient_y)]
    )
    upright = 1 - (height / 0.1) ** 2
    torch.testing.assert_close(slope.norm(dim=0), upright.sqrt(), atol=0.02, rtol=0)


def test_only_the_relative_regularization_suits_every_scale():
    def shrinkage(radius, regularization):
        mesh = sphere(3, radius)
        operators = surface_operators(mesh, 4, regularization)
        slope = dense(operators, operators.gradient_x) @ torch.from_numpy(mesh.vertices)
        return slope.norm(dim=1).mean().item()

    assert shrinkage(0.1, "relative") == pytest.approx(shrinkage(0.001, "relative"), rel=1e-4)
    assert shrinkage(0.001, "absolute") < 0.1 * shrinkage(0.1, "absolute")


def test_the_same_mesh_gives_the_same_operators():
    first, second = (operator_arrays(MESHES["disconnected"], OperatorSettings(30)) for _ in "ab")
    for key, values in first.items():
        np.testing.assert_array_equal(values, second[key])


def test_coordinates_may_be_single_and_faces_short():
    mesh = sphere(2)
    short = Mesh(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
    exact = Mesh(mesh.vertices.astype(np.float32).astype(np.float64), mesh.faces)
    ours, expected = surface_operators(short, 8), surface_operators(exact, 8)
    assert torch.equal(ours.eigenbasis, expected.eigenbasis)
    assert torch.equal(ours.gradient_x, expected.gradient_x)


def test_all_eigenpairs_can_be_had():
    mesh = sphere(1)
    operators = surface_operators(mesh, len(mesh.vertices))
    signal = torch.from_numpy(mesh.vertices).float()
    basis = operators.eigenbasis
    torch.testing.assert_close(basis @ (basis.T @ (operators.mass[:, None] * signal)), signal)


def test_truncated_operators_keep_the_smallest_eigenvalues():
    operators = surface_operators(sphere(2), 12)
    fewer = operators.truncated(5)
    assert torch.equal(fewer.eigenvalues, operators.eigenvalues[:5])
    assert torch.equal(fewer.eigenbasis, operators.eigenbasis[:, :5])
    assert fewer.eigenbasis.is_contiguous()
    with pytest.raises(ConfigError, match="13 eigenpairs were asked for"):
        operators.truncated(13)


def test_operators_move_as_one():
    moved = surface_operators(sphere(1), 4).to("meta")
    assert {value.device.type for value in vars(moved).values()} == {"meta"}


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        (Mesh(np.zeros((0, 3)), NO_FACES), "head.ply has no vertices"),
        (Mesh(np.full((50, 3), np.nan), NO_FACES), "head.ply: vertex 0 is not finite"),
        (with_vertices(sphere(), [0, np.inf, 0]), "vertex 642 is not finite, as are 1 in all"),
        (with_faces(sphere(), [0, 1, 642]), "vertices from 0 to 642, but only 642"),
        (with_faces(sphere(), [0, 1, -1]), "vertices from -1"),
        (sphere(0), "12 vertices, too few for 40 eigenpairs; ask for at most 12"),
        (Mesh(np.zeros((50, 2)), NO_FACES), "three columns"),
        (Mesh(np.zeros((50, 3)), np.array([[0, 1, 2]])), "all its vertices in one place"),
    ],
)
def test_what_is_no_surface_is_refused_by_name(mesh, message):
    with pytest.raises(DataError, match=message):
        surface_operators(mesh, 40, name="head.ply")


def test_a_small_cloud_is_refused():
    with pytest.raises(DataError, match="cloud of 12 points; 31 are the fewest"):
        surface_operators(Mesh(sphere(0).vertices, NO_FACES), 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_eigenpairs": 0}, "num_eigenpairs must be at least 1"),
        ({"gradient_regularization": "none"}, "absolute or relative"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        surface_operators(sphere(1), **{"num_eigenpairs": 4, **settings})


HEADS = [
    "vocaset/templates/FaceTalk_170809_00138_TA.ply",
    "BIWI_6/templates/F1.obj",
    "multiface/templates/20181017.ply",
    "scans/thanos.ply",
    "scans/demo_mesh.ply",
]


@pytest.mark.parametrize("head", HEADS)
def test_real_heads(head):
    path = research_file(f"heads/{head}")
    if path is None:
        pytest.skip(f"heads/{head} of the research data is not here")
    operators = surface_operators(read_mesh(path), 32)
    basis, mass = operators.eigenbasis.double(), operators.mass.double()
    torch.testing.assert_close(
        basis.T @ (mass[:, None] * basis), torch.eye(32).double(), atol=1e-4, rtol=0
    )
    assert operators.gradient_x.isfinite().all()
