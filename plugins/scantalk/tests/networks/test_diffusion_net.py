from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_scantalk.networks.diffusion_net import DiffusionNet
from lightning_face_scantalk.networks.mesh_operators import MeshOperators


def net(**settings):
    torch.manual_seed(0)
    return DiffusionNet(3, 5, width=8, num_blocks=2, **settings).eval()


def test_outputs_at_edges_and_faces_are_means_over_their_corners(head, operators):
    at_vertices = net()(head[0], operators)
    for outputs_at, elements in (("edges", [[0, 1], [2, 5]]), ("faces", [[3, 4, 9]])):
        elements = torch.tensor(elements)
        result = net(outputs_at=outputs_at)(head[0], operators, elements)
        expected = torch.stack([at_vertices[corners].mean(0) for corners in elements])
        torch.testing.assert_close(result, expected)


def test_output_over_the_surface_is_weighted_by_area(head, operators):
    signal = head[0][:, None].expand(-1, 2, -1)
    at_vertices = net()(signal, operators)
    result = net(outputs_at="global_mean")(signal, operators)
    assert result.shape == (2, 5)
    share = operators.mass / operators.mass.sum()
    torch.testing.assert_close(result, torch.einsum("v,vtc->tc", share, at_vertices))


def test_activation_comes_last(head, operators):
    faces = torch.tensor([[0, 1, 2]])
    plain = net(outputs_at="faces")(head[0], operators, faces)
    result = net(outputs_at="faces", activation=lambda x: F.log_softmax(x, dim=-1))(
        head[0], operators, faces
    )
    torch.testing.assert_close(result, F.log_softmax(plain, dim=-1))


def test_other_topologies_need_no_other_network(head, other_head, operators):
    network = net()
    other = MeshOperators.from_surface(other_head[1])
    assert network(head[0], operators).shape == (162, 5)
    assert network(other_head[0], other).shape == (42, 5)


def test_missing_faces(head, operators):
    with pytest.raises(ConfigError, match="outputs at faces must be given these"):
        net(outputs_at="faces")(head[0], operators)


def test_unknown_place_of_outputs():
    with pytest.raises(ConfigError, match="not 'corners'"):
        net(outputs_at="corners")
