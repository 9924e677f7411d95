from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from lightning_face.callbacks import EMA
from lightning_face.checkpoint.load import load
from lightning_face.errors import CheckpointError, ConfigError
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.losses import denoising
from lightning_face_sis.modules import sca_dm_module
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.sca_dm_module import SCADMModule
from lightning_face_sis.networks.sample_first_stage import load_sample_first_stage

DEAD = ("attn2.to_q.", "attn2.to_k.", "norm2.")
FIRST_STAGE = {
    "num_embeddings": 8,
    "channels": 4,
    "channel_multipliers": [1, 1, 1],
    "num_res_blocks": 1,
    "norm_groups": 1,
}


def build(**settings: Any) -> SCADMModule:
    torch.manual_seed(0)
    small = {**SCADMModule.example_settings(), "num_classes": 3, "first_stage": FIRST_STAGE}
    module = SCADMModule(**(small | settings))
    for parameter in module.network.unet.parameters():
        if not parameter.any():
            # zero at the start of training, so that no gradient passes
            torch.nn.init.normal_(parameter, std=0.1)
    return module


def state(module: SCADMModule) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in module.state_dict().items()}


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, each in after.items() if not torch.equal(before[name], each)}


def test_unet_and_style_encoder_learn_and_the_first_stage_does_not(run, batches):
    module = build()
    before = state(module)
    run(module, batches(2, 2))
    found = changed(before, state(module))
    assert {name.split(".")[1] for name in found} == {"unet", "style_encoder"}
    assert not any(part in name for name in found for part in (*DEAD, "label_emb"))
    assert not module.network.first_stage.training


def test_everything_that_is_trained_gets_a_gradient(batches):
    for settings in (
        {},
        {"attention_weight": 0.01, "unet": unet(mask_attention=False)},
        {"unet": unet(mask_attention=False)},
        {"freeze_dead": False},
    ):
        module = build(**settings)
        module.log_dict = lambda *_, **__: None
        module.training_step(batches(1, 2)[0], 0).backward()
        without = [
            name
            for name, each in module.named_parameters()
            if each.requires_grad and each.grad is None
        ]
        assert without == [], settings


def unet(**settings: Any) -> dict[str, Any]:
    return {**SCADMModule.example_settings()["unet"], **settings}


def test_dead_weights_decay_as_published_if_asked_to(run, batches):
    module = build(freeze_dead=False, lr=0.1, weight_decay=0.5)
    before = state(module)
    run(module, batches(1, 2))
    after = state(module)
    dead = [name for name in after if ".unet." in name and any(part in name for part in DEAD)]
    # of four transformers
    assert len(dead) == 4 * 4
    for name in dead:
        torch.testing.assert_close(after[name], before[name] * (1 - 0.1 * 0.5))
    assert "network.unet.label_emb.weight" not in changed(before, after)


@pytest.mark.parametrize(("share", "expected"), [(0.0, [False] * 8), (1.0, [True] * 8)])
def test_styles_are_discarded_in_training_alone(run, batches, monkeypatch, share, expected):
    flags: list[bool] = []

    def watch(images: torch.Tensor, discarded: torch.Tensor) -> torch.Tensor:
        flags.extend(discarded.tolist())
        return denoising.discard_styles(images, discarded)

    monkeypatch.setattr(sca_dm_module, "discard_styles", watch)
    run(build(style_discard=share), batches(4, 2), limit_val_batches=4, num_sanity_val_steps=0)
    assert flags == expected


def test_two_validations_of_the_same_weights_agree(run, batches):
    rows = []
    for seed in range(2):
        module = build(val_levels=2)
        torch.manual_seed(seed)
        trainer = run(module, batches(2, 2), "validate", limit_val_batches=2)
        rows.append({name: row.item() for name, row in trainer.callback_metrics.items()})
    assert rows[0] == rows[1]
    assert set(rows[0]) == {"val/loss", "val/loss_simple", "val/loss_vlb"}


def test_terms_are_logged_under_the_published_names(run, batches):
    module = build(attention_weight=0.01, unet=unet(mask_attention=False))
    trainer = run(module, batches(1, 2), limit_val_batches=1)
    names = {"loss", "loss_simple", "loss_vlb", "loss_attention"}
    found = set(trainer.callback_metrics)
    assert found == {f"{split}/{name}" for name in names for split in ("train", "val")}


def test_the_average_is_that_of_the_unet(run, batches, tmp_path):
    module = build(lr=1e-2)
    ema = EMA(0.9999, schedule="warm_up", parts=["network.unet"], every="batch")
    run(module, batches(3, 2), callbacks=[ema]).save_checkpoint(tmp_path / "run.ckpt")
    content = torch.load(tmp_path / "run.ckpt", weights_only=True)
    averaged = content["ema_trained_weights"]
    assert {name.split(".")[1] for name in averaged} == {"unet"}
    differing = {
        name
        for name, each in module.state_dict().items()
        if not torch.equal(each, content["state_dict"][name])
    }
    assert differing <= set(averaged)
    assert len(differing) > 0.8 * len(averaged)


def test_a_checkpoint_holds_all_that_sampling_needs(run, batches, tmp_path):
    module = build()
    run(module, batches(1, 2)).save_checkpoint(tmp_path / "run.ckpt")
    again = load(tmp_path / "run.ckpt")
    assert again.image_size == (64, 64)
    batch = batches(1, 2)[0]
    styles = module.network.encode_style(batch["images"], batch["labels"])
    made = [each.eval().sample(batch["files"], batch["labels"], styles) for each in (module, again)]
    assert torch.equal(*made)


def test_pictures_of_a_file_do_not_depend_on_its_batch(batches):
    module, batch = build().eval(), batches(1, 3)[0]
    styles = module.network.encode_style(batch["images"], batch["labels"])
    together = module.sample(batch["files"], batch["labels"], styles)
    alone = module.sample(batch["files"][1:2], batch["labels"][1:2], styles[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-3, atol=1e-3)
    other = module.sample(batch["files"], batch["labels"], styles, seed=1)
    assert not torch.allclose(together, other)


def test_the_table_and_the_pictures(run, batches, tmp_path):
    module = build(val_levels=1)
    trainer = run(module, batches(2, 2), "test")
    rows = {name.removeprefix("test/"): row for name, row in trainer.callback_metrics.items()}
    assert {"loss_simple", "loss_shuffled_styles", "loss_shuffled_masks", "PSNR"} <= set(rows)
    assert {"mIoU_colors", "mIoU_colors_chance", "mIoU_colors_images"} <= set(rows)
    assert all(row.isfinite() for row in rows.values())
    shown = module.sample_images(batches(1, 6)[0])
    assert list(shown) == ["image", "classes", "own style", "style of the next", "random style"]
    assert {images.shape for images in shown.values()} == {(4, 3, 64, 64)}
    run(module, batches(1, 2), "predict")
    folder = tmp_path / "predictions"
    made = {path.name for path in folder.iterdir()}
    assert {"0-0-own-style.png", "0-0-random-style-2.png", "denoising", "attention"} <= made


def test_a_single_picture_has_no_row_that_needs_two(run, batches):
    trainer = run(build(val_levels=1), batches(1, 1), "test")
    rows = set(trainer.callback_metrics)
    assert "test/loss_simple" in rows
    assert not {"test/loss_shuffled_styles", "test/mIoU_colors_chance"} & rows


def test_another_first_stage_is_read_of_a_run_or_a_folder(run, batches, tmp_path):
    settings = {**FIRST_STAGE, "num_classes": 3, "lpips_weight": 0.0}
    trained = FirstStageModule(**settings)
    run(trained, batches(1, 2)).save_checkpoint(tmp_path / "first.ckpt")
    module = build(first_stage=str(tmp_path / "first.ckpt"))
    for name, each in trained.first_stage.state_dict().items():
        assert torch.equal(module.network.first_stage.state_dict()[name], each)
    # the file is no longer needed to read a checkpoint
    run(module, batches(1, 2)).save_checkpoint(tmp_path / "run.ckpt")
    (tmp_path / "first.ckpt").unlink()
    again = load(tmp_path / "run.ckpt")
    assert torch.equal(again.network.first_stage.codebook, trained.first_stage.codebook)


def test_without_a_first_stage_that_of_the_sample_is_taken():
    module = build(first_stage=None)
    wanted = load_sample_first_stage().codebook
    assert torch.equal(module.network.first_stage.codebook, wanted)


def test_a_missing_first_stage_says_where_to_get_it(tmp_path):
    with pytest.raises(CheckpointError, match=r"get vq-f4 .* or train vq-first-stage"):
        build(first_stage=str(tmp_path / "vq-f4.ckpt"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"style_discard": 1.5}, "style_discard 1.5 is no probability"),
        ({"val_levels": 0}, "val_levels 0 is not positive"),
        ({"sample_steps": 0}, "sample_steps 0 must lie between 1 and 999"),
        ({"sample_steps": 50, "schedule": {"num_timesteps": 50}}, "between 1 and 49"),
        ({"unet": {"num_classes": 4}}, "num_classes 3 and model.unet.num_classes 4 differ"),
        ({"unet": {"layers": 3}}, "settings of unet"),
        ({"first_stage": {"layers": 3}}, "settings of first_stage"),
        ({"latent_cache": True}, "needs a data module of labelled pictures"),
    ],
)
def test_wrong_settings_are_refused(run, batches, settings, words):
    with pytest.raises(ConfigError, match=words):
        run(build(**settings), batches(1, 2))


class Losses(Callback):
    """Keeps the loss of every batch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer, *_) -> None:
        self.losses.append(trainer.callback_metrics["train/loss"].item())


@pytest.mark.parametrize(("precision", "tolerance"), [("32-true", 1e-2), ("bf16-true", 5e-2)])
def test_kept_latents_train_as_fresh_ones(run, tmp_path, monkeypatch, precision, tolerance):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    write_sample(tmp_path / "faces", faces=6, people=2, size=64)
    found = []
    for cached in (False, True):
        module = build(latent_cache=cached, num_classes=19)
        data = CelebAMaskHQDataModule(
            str(tmp_path / "faces"), load_size=64, crop_size=64, flip=False, batch_size=2
        )
        torch.manual_seed(1)
        run(module, data, callbacks=[losses := Losses()], precision=precision)
        found.append(losses.losses)
    # latents are kept in half precision
    assert found[0] == pytest.approx(found[1], rel=tolerance)
    assert list(Path(tmp_path / "cache/latents").glob("*/*.npy"))


def test_bf16_accumulation_clipping_and_checkpointing_go_together(run, batches):
    module = build(unet=unet(activation_checkpointing="all"), lr_schedule="cosine")
    before = state(module)
    trainer = run(
        module,
        batches(4, 2),
        precision="bf16-mixed",
        accumulate_grad_batches=2,
        gradient_clip_val=0.5,
    )
    assert trainer.global_step == 2
    after = state(module)
    assert all(each.isfinite().all() for each in after.values())
    assert changed(before, after)
