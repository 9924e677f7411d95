from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from lightning_face.checkpoint.load import load
from lightning_face.errors import WeightsError
from lightning_face.metrics.lpips import LPIPSNetwork
from lightning_face_sis.modules.first_stage_module import FirstStageModule

SMALL = {**FirstStageModule.example_settings(), "num_classes": 3, "lpips_weight": 0.0}


def build(**settings: Any) -> FirstStageModule:
    torch.manual_seed(0)
    return FirstStageModule(**(SMALL | settings))


class Rows(Callback):
    """Keeps what is logged at every batch."""

    def __init__(self) -> None:
        self.rows: list[set[str]] = []

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        self.rows.append(set(trainer.callback_metrics))


def test_training_lowers_the_difference(run, batches):
    module = build(start="average", lr=2e-3)
    given = batches(2, 2)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    with torch.no_grad():
        start = (module(given[0]) - given[0]["images"]).abs().mean()
    run(module, given, max_epochs=6)
    with torch.no_grad():
        end = (module(given[0]) - given[0]["images"]).abs().mean()
    assert end < 0.95 * start
    assert any(not torch.equal(before[name], each) for name, each in module.state_dict().items())


def test_the_discriminator_joins_later(run, batches):
    rows = Rows()
    module = build(gan_weight=0.5, gan_start=2, ndf=4, discriminator_layers=1)
    before = [each.clone() for each in module.discriminator.parameters()]
    run(module, batches(4, 2), callbacks=[rows])
    assert [("train/gan" in each, "train/discriminator_real" in each) for each in rows.rows] == [
        (False, False),
        (False, False),
        (True, True),
        (True, True),
    ]
    after = module.discriminator.parameters()
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_game_gets_the_weight_that_makes_gradients_equal(run, batches):
    module = build(gan_weight=1.0, ndf=4, discriminator_layers=1)
    run(module, batches(1, 2))
    last = module.first_stage.autoencoder.decoder.conv_out.weight
    likeness, gan = 3 * last.square().sum(), 12 * last.sum()
    factor = module._balance(likeness, gan)
    wanted = torch.autograd.grad(likeness, last)[0].norm()
    found = torch.autograd.grad(gan, last)[0].norm()
    torch.testing.assert_close(factor * found, wanted, rtol=1e-3, atol=0)


def test_without_a_game_there_is_no_discriminator_to_keep(run, batches, tmp_path):
    module = build()
    trainer = run(module, batches(1, 2))
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    content = torch.load(tmp_path / "run.ckpt", weights_only=True)
    assert content["discriminator"] == {}
    assert {name.partition(".")[0] for name in content["state_dict"]} == {"first_stage"}
    again = load(tmp_path / "run.ckpt")
    for name, tensor in module.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_lpips_joins_the_loss_and_is_in_no_checkpoint(run, batches, monkeypatch):
    torch.manual_seed(0)
    network = LPIPSNetwork("vgg")
    asked: list[Any] = []

    def from_folder(folder: str, trunk: str) -> LPIPSNetwork:
        asked.append((folder, trunk))
        return network

    monkeypatch.setattr(LPIPSNetwork, "from_folder", from_folder)
    module = build(lpips_weight=1.0, metric_weights="weights")
    trainer = run(module, batches(1, 1))
    assert asked == [("weights", "vgg")]
    assert trainer.callback_metrics["train/lpips"] > 0
    assert not any("perceptual" in name for name in module.state_dict())


def test_missing_weights_of_lpips_are_named(run, batches, tmp_path):
    with pytest.raises(WeightsError, match=r"vgg16\.pth"):
        run(build(lpips_weight=1.0, metric_weights=str(tmp_path)), batches(1, 1))


def test_the_table_and_the_pictures(run, batches, tmp_path):
    module = build()
    trainer = run(module, batches(2, 2), "test")
    rows = {name.removeprefix("test/"): row for name, row in trainer.callback_metrics.items()}
    assert set(rows) == {"PSNR", "SSIM", "codes_used", "perplexity"}
    assert 1 / 16 <= rows["codes_used"] <= 1
    shown = module.sample_images(batches(1, 2)[0])
    assert {title: images.shape for title, images in shown.items()} == dict.fromkeys(
        ("image", "reconstruction", "latents"), (2, 3, 64, 64)
    )
    run(build(), batches(1, 2), "predict")
    assert (tmp_path / "predictions/contact_sheet.png").is_file()


def test_a_run_goes_on_where_it_was_cut(run, batches, tmp_path):
    settings = {"start": "average", "gan_weight": 0.5, "gan_start": 2, "ndf": 4, "lr": 1e-3}
    given = batches(3, 2)
    whole = build(**settings)
    run(whole, given, max_epochs=2)
    # codes are drawn of the first pictures
    first = build(**settings)
    run(first, given, max_epochs=1).save_checkpoint(tmp_path / "cut.ckpt")
    second = build(**settings)
    run(second, given, max_epochs=2, ckpt=Path(tmp_path / "cut.ckpt"))
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), rtol=0, atol=0)
    for name, tensor in whole.discriminator.state_dict().items():
        assert torch.equal(second.discriminator.state_dict()[name], tensor)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_latents_of_any_width_can_be_shown(batches, channels):
    shown = build(latent_channels=channels).eval().sample_images(batches(1, 1)[0])
    assert shown["latents"].shape == (1, 3, 64, 64)
