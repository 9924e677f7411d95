"""ScanTalk in the unregistered setting."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import squared_varifold_distance
from lightning_face_scantalk.losses import chamfer_loss, kernel_loss, surface_loss


@pytest.fixture
def parts(make_module):
    """A batch and a made-up prediction of its first sequence."""
    batch = make_module("chamfer").example_batch()
    generator = torch.Generator().manual_seed(1)
    template = batch["template"][0]
    shape = (len(batch["targets"][0]), *template.shape)
    return batch, template + 0.01 * torch.randn(shape, generator=generator)


def test_losses_are_those_of_the_settings(make_module, parts):
    batch, pred = parts
    faces, target_faces = batch["faces"][0], batch["target_faces"][0]
    targets, scaled = batch["targets"][0], [1000 * each for each in batch["targets"][0]]
    neutral = 1000 * batch["template"][0]
    kernel = kernel_loss(pred, targets, faces, target_faces, "gauss_squared", [0.05])
    varifold = squared_varifold_distance(pred, targets, faces, target_faces, [0.05, 0.03])
    expected = {
        "chamfer": chamfer_loss(1000 * pred, scaled),
        "surface": surface_loss(1000 * pred, faces, scaled, target_faces, neutral, 1.0),
        "kernel": {"loss": kernel.mean()},
        "varifold": {"loss": 1e12 * varifold.mean().float()},
    }
    for kind, terms in expected.items():
        actual = make_module(kind).sequence_loss(pred, batch, 0)
        torch.testing.assert_close(actual, terms, rtol=1e-4, atol=0.0)


def test_published_padding_takes_part(make_module, parts):
    batch, pred = parts
    plain, padded = (
        make_module("chamfer", padded=padded).sequence_loss(pred, batch, 0)["loss"]
        for padded in (False, True)
    )
    # every second frame lacks a point, for which the published code puts one at the origin
    assert padded > plain + 10


def test_without_known_vertices_surfaces_alone_are_compared(make_module, make_trainer, make_loader):
    module = make_module("chamfer")
    batch = module.example_batch()
    (rows,) = make_trainer().test(module, make_loader(batch), verbose=False)
    assert {"test/lip_error_ratio", "test/chamfer", "test/hd"} < set(rows)
    unknown = {**batch, "vertices": [None, None]}
    (fewer,) = make_trainer().test(module, make_loader(unknown), verbose=False)
    assert set(fewer) == {"test/loss", "test/chamfer", "test/chamfer_ratio", "test/hd"}
    assert all(rows[name] == value for name, value in fewer.items())


def test_heads_without_known_lips_are_drawn_and_tested(make_module, make_trainer, make_loader):
    module = make_module("chamfer")
    nothing = torch.zeros(0, dtype=torch.int64)
    batch = module.example_batch()
    for name in ("lips", "upper", "upper_lip", "lower_lip"):
        batch[name] = [nothing, nothing]
    (rows,) = make_trainer().test(module, make_loader(batch), verbose=False)
    assert "test/chamfer" in rows
    assert "test/lve" not in rows
    assert module.sample_images(batch)["target"].shape == (8, 3, 224, 192)
