from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader

from lightning_face.errors import WeightsError
from lightning_face_mambast.module import MambaSTModule, learning_rate_factor
from lightning_face_mambast.vgg import random_vgg

TINY = {
    "width": 16,
    "d_state": 2,
    "num_encoder_layers": 1,
    "num_decoder_layers": 1,
    "vgg_width": 4,
    "lr": 1e-3,
}


FILES = ("files", "content_file", "style_file")


class Pairs(torch.utils.data.Dataset):
    """Grey contents and coloured styles."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict:
        generator = torch.Generator().manual_seed(index)
        content, style = torch.rand(2, 3, 24, 24, generator=generator)
        return {
            "content": content.mean(0).expand(3, -1, -1),
            "style": style,
            **dict.fromkeys(FILES, str(index)),
        }


def loader() -> DataLoader:
    return DataLoader(Pairs(), batch_size=2)


def make_trainer(folder, **kwargs) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **kwargs,
    )


@pytest.fixture
def module() -> MambaSTModule:
    torch.manual_seed(0)
    return MambaSTModule(**TINY)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"precision": "bf16-mixed"},
        {"accumulate_grad_batches": 2},
        {"gradient_clip_val": 0.5},
    ],
    ids=str,
)
def test_trains_in_all_of_the_trainers_ways(tmp_path, module, settings):
    before = {name: each.clone() for name, each in module.named_parameters()}
    trainer = make_trainer(tmp_path, max_epochs=1, **settings)
    trainer.fit(module, loader(), loader())
    for name, parameter in module.named_parameters():
        assert torch.isfinite(parameter).all()
        assert torch.equal(parameter, before[name]) != parameter.requires_grad, name
    for split in ("train", "val"):
        terms = {
            name: trainer.callback_metrics[f"{split}/{name}_loss"].item()
            for name in ("content", "style", "identity1", "identity2")
        }
        total = 7 * terms["content"] + 10 * terms["style"]
        total += 70 * terms["identity1"] + terms["identity2"]
        assert trainer.callback_metrics[f"{split}/loss"].item() == pytest.approx(total, rel=1e-4)


def test_weights_of_the_losses_are_settings():
    torch.manual_seed(0)
    module = MambaSTModule(**TINY, content_weight=0, style_weight=0, identity2_weight=0).eval()
    module.log_dict = lambda values, **_: values
    batch = module.example_batch()
    outputs = module.network(batch["content"], batch["style"], module._fixed_permutations(batch))
    expected = 70 * (
        (outputs.content - batch["content"]).square().mean()
        + (outputs.style - batch["style"]).square().mean()
    )
    torch.testing.assert_close(module.validation_step(batch, 0), expected)


def test_learns_to_repeat_one_pair(tmp_path):
    torch.manual_seed(0)
    module = MambaSTModule(**TINY | {"lr": 3e-3, "init": "s4d", "drop_path": 0.0})
    batches = DataLoader(torch.utils.data.Subset(Pairs(), [0, 1]), batch_size=2)
    trainer = make_trainer(tmp_path, max_epochs=60)
    first = trainer.validate(module, batches, verbose=False)[0]["val/loss"]
    trainer.fit(module, batches)
    assert trainer.validate(module, batches, verbose=False)[0]["val/loss"] < 0.5 * first


def test_validation_gives_the_same_numbers_twice(tmp_path, module):
    trainer = make_trainer(tmp_path)
    first, second = (trainer.validate(module, loader(), verbose=False) for _ in range(2))
    assert first == second


def test_feature_network_is_in_no_checkpoint(tmp_path, module):
    trainer = make_trainer(tmp_path, max_steps=1, limit_val_batches=0)
    trainer.fit(module, loader())
    assert isinstance(module, LightningModule)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert all(key.startswith("network.") for key in saved["state_dict"])
    assert saved["hyper_parameters"]["width"] == 16
    again = MambaSTModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    batch = module.example_batch()
    torch.testing.assert_close(
        again.sample_images(batch)["stylised"], module.sample_images(batch)["stylised"]
    )


def test_missing_vgg_stops_training_and_not_prediction(tmp_path):
    module = MambaSTModule(**TINY, vgg_weights=str(tmp_path / "vgg_normalised.pth"))
    trainer = make_trainer(tmp_path, max_steps=1)
    with pytest.raises(WeightsError, match=r"vgg_normalised\.pth"):
        trainer.fit(module, loader())
    predicted = make_trainer(tmp_path).predict(module, loader())
    assert predicted[0]["stylised"].shape == (2, 3, 24, 24)


@pytest.mark.parametrize("shuffle", ["fixed", "reference", "random", "none"])
def test_table_holds_the_rows_that_need_no_weights(tmp_path, shuffle):
    torch.manual_seed(0)
    module = MambaSTModule(**TINY, test_shuffle=shuffle, jpeg_quality=75)
    (rows,) = make_trainer(tmp_path).test(module, loader(), verbose=False)
    assert set(rows) == {"test/color_distance", "test/content_loss", "test/style_loss"}
    assert 0 <= rows["test/color_distance"] <= 1


def test_table_does_not_depend_on_the_batch_size(tmp_path):
    torch.manual_seed(0)
    module = MambaSTModule(**TINY, init="s4d")
    trainer = make_trainer(tmp_path)
    (pairs,) = trainer.test(module, loader(), verbose=False)
    (single,) = trainer.test(module, DataLoader(Pairs(), batch_size=1), verbose=False)
    assert single == pytest.approx(pairs, rel=1e-3)


def test_vgg_file_is_used(tmp_path):
    torch.save(random_vgg(4, seed=9).state_dict(), tmp_path / "vgg_normalised.pth")
    module = MambaSTModule(**TINY, vgg_weights=str(tmp_path / "vgg_normalised.pth"))
    make_trainer(tmp_path, max_steps=1, limit_val_batches=0).fit(module, loader())
    torch.testing.assert_close(
        module.loss.vgg.state_dict(), random_vgg(4, seed=9).state_dict(), rtol=0, atol=0
    )


def test_pictures_to_look_at_are_in_range_and_of_one_size(module):
    samples = module.sample_images(module.example_batch())
    assert list(samples) == ["content", "style", "stylised"]
    for images in samples.values():
        assert images.shape == (2, 3, 32, 32)
        assert images.min() >= 0
        assert images.max() <= 1


@pytest.mark.parametrize(
    ("schedule", "step", "factor"),
    [
        ("constant", 12345, 1.0),
        ("warmup_decay", 0, 0.1),
        ("warmup_decay", 9999, 0.39997),
        ("warmup_decay", 10000, 0.4),
        ("warmup_decay", 11000, 0.2),
        ("cosine", 0, 1.0),
        ("cosine", 5000, 0.5),
        ("cosine", 10000, 0.0),
        ("cosine", 20000, 0.0),
    ],
)
def test_learning_rate_schedules(schedule, step, factor):
    assert learning_rate_factor(schedule, step, 10000) == pytest.approx(factor)


@pytest.mark.parametrize("schedule", ["constant", "warmup_decay", "cosine"])
def test_schedule_is_counted_in_steps_of_the_optimiser(tmp_path, schedule):
    module = MambaSTModule(**TINY, lr_schedule=schedule)
    trainer = make_trainer(tmp_path, max_epochs=3, limit_val_batches=0)
    trainer.fit(module, loader())
    rate = trainer.optimizers[0].param_groups[0]["lr"]
    assert rate == pytest.approx(1e-3 * learning_rate_factor(schedule, 6, 6))
