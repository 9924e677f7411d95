"""Prepared operators of meshes that were seen before."""

from __future__ import annotations

import copy

import torch

from lightning_face_scantalk.modules import device_operators
from lightning_face_scantalk.modules.device_operators import DeviceOperators
from lightning_face_scantalk.modules.example_heads import example_batch


def test_copies_of_a_mesh_are_prepared_once():
    first, second = example_batch()["operators"]
    prepare = DeviceOperators()
    prepared = prepare(first)
    assert prepare(copy.deepcopy(first)) is prepared
    assert prepare(second) is not prepared
    torch.testing.assert_close(prepared.mass, first.mass)


def test_only_meshes_seen_lately_are_kept(monkeypatch):
    monkeypatch.setattr(device_operators, "_KEPT", 1)
    first, second = example_batch()["operators"]
    prepare = DeviceOperators()
    prepared = prepare(first)
    prepare(second)
    assert prepare(first) is not prepared


def test_what_evaluation_saw_first_can_be_trained_on():
    prepare = DeviceOperators()
    with torch.inference_mode():
        operators = example_batch()["operators"][0]
        prepare(operators)
    prepared = prepare(operators)
    signal = torch.rand(prepared.num_vertices, 2, requires_grad=True)
    prepared.gradient(prepared.from_spectral(prepared.to_spectral(signal))).sum().backward()
    assert signal.grad.isfinite().all()
