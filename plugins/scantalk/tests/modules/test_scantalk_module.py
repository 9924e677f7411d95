"""ScanTalk in the registered setting."""

from __future__ import annotations

import pytest
import torch

from lightning_face_scantalk.losses import masked_loss, squared_error_loss, weighted_loss
from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule

ROWS = {
    "lve",
    "mve",
    "fdd",
    "fdd_abs",
    "dtw",
    "dfd",
    "opening_error",
    "opening_max_error",
    "opening_velocity_error",
    "opening_correlation",
    "lip_velocity_error",
    "lip_direction_error",
    "lip_error",
    "lip_error_ratio",
    "hd",
    "chamfer",
    "chamfer_ratio",
}


@pytest.fixture
def parts(make_module):
    """A batch and a made-up prediction of its first sequence."""
    batch = make_module("mse").example_batch()
    generator = torch.Generator().manual_seed(1)
    truth = batch["vertices"][0]
    return batch, truth + 0.01 * torch.randn(truth.shape, generator=generator)


def test_losses_are_those_of_the_settings_in_millimetres(make_module, parts):
    batch, pred = parts
    target, neutral, lips = (
        1000 * batch["vertices"][0],
        1000 * batch["template"][0],
        batch["lips"][0],
    )
    expected = {
        "mse": squared_error_loss(1000 * pred, target),
        "masked": masked_loss(1000 * pred, target, lips, "time"),
        "weighted": weighted_loss(1000 * pred, target, neutral, lips, 1.0, 5.0, 10.0, 1e-4),
    }
    for kind, terms in expected.items():
        actual = make_module(kind).sequence_loss(pred, batch, 0)
        torch.testing.assert_close(actual, terms)


def test_published_losses_are_in_metres_and_along_vertex_numbers(make_module, parts):
    batch, pred = parts
    module = make_module("masked", loss_unit="m", velocity_axis="vertex")
    expected = masked_loss(pred, batch["vertices"][0], batch["lips"][0], "vertex")
    torch.testing.assert_close(module.sequence_loss(pred, batch, 0), expected)


def test_weights_are_those_of_the_settings(make_module, parts):
    batch, pred = parts
    settings = {"rec_weight": 0, "mouth_weight": 0, "velocity_weight": 2, "cosine_weight": 3}
    terms = make_module("weighted", **settings).sequence_loss(pred, batch, 0)
    torch.testing.assert_close(terms["loss"], 2 * terms["velocity"] + 3 * terms["cosine"])


def test_the_table_has_the_rows_of_both_papers(make_module, make_trainer, make_loader):
    module = make_module("weighted")
    loader = make_loader(module.example_batch())
    (rows,) = make_trainer().test(module, loader, verbose=False)
    losses = {"loss", "rec", "mouth", "velocity", "cosine"}
    assert {name.removeprefix("test/") for name in rows} == ROWS | losses
    assert make_trainer().test(module, loader, verbose=False) == [rows]


def test_validation_leaves_out_what_takes_long(make_module, make_trainer, make_loader):
    module = make_module("mse")
    (rows,) = make_trainer().validate(module, make_loader(module.example_batch()), verbose=False)
    assert {name.removeprefix("val/") for name in rows} == {
        *("loss", "lve", "mve", "fdd", "opening_correlation", "lip_error", "lip_error_ratio")
    }


def test_an_untrained_network_is_the_static_face(make_trainer, make_loader, make_module):
    module = make_module("mse")
    module.network.decoder.last_lin.weight.data.zero_()
    batch = module.example_batch()
    (rows,) = make_trainer().test(module, make_loader(batch), verbose=False)
    assert rows["test/lip_error_ratio"] == pytest.approx(1, rel=1e-6)
    assert rows["test/chamfer_ratio"] == pytest.approx(1, rel=1e-6)
    assert rows["test/opening_correlation"] == 0
    errors = [
        (truth - template).norm(dim=-1).mean()
        for truth, template in zip(batch["vertices"], batch["template"], strict=True)
    ]
    # means over frames: sequences have 18 and 15
    expected = 1000 * (18 * errors[0] + 15 * errors[1]) / 33
    assert rows["test/mve"] == pytest.approx(expected.item(), rel=1e-5)


def test_published_size():
    with torch.device("meta"):
        module = ScanTalkModule()
    trained = sum(each.numel() for each in module.parameters() if each.requires_grad)
    assert sum(each.numel() for each in module.parameters()) == 94_477_251
    assert trained == 90_276_803
