"""What every kind of module does alike."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from lightning_face.callbacks import FiniteLoss
from lightning_face.errors import ConfigError, NonFiniteLoss
from lightning_face.testing import check_plugin

WAYS = [{}, {"precision": "bf16-mixed", "accumulate_grad_batches": 2, "gradient_clip_val": 0.5}]


class Data(LightningDataModule):
    """Clips with attributes that a module compares with its own."""

    def __init__(self, loader: DataLoader, **attributes) -> None:
        super().__init__()
        self.loader = loader
        for name, value in attributes.items():
            setattr(self, name, value)

    def train_dataloader(self) -> DataLoader:
        return self.loader

    def test_dataloader(self) -> DataLoader:
        return self.loader

    def predict_dataloader(self) -> DataLoader:
        return self.loader


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_trains_in_all_of_the_trainers_ways(kind, make_module, make_trainer, loader, way):
    module = make_module(kind)
    before = {name: each.clone() for name, each in module.named_parameters()}
    trainer = make_trainer(max_epochs=1, **way)
    trainer.fit(module, loader, loader)
    for name, parameter in module.named_parameters():
        assert torch.isfinite(parameter).all()
        # what is frozen stays, bit for bit, and nothing that is trained goes without a gradient
        assert torch.equal(parameter, before[name]) != parameter.requires_grad, name
    assert {"train/loss", "val/loss"} <= set(trainer.callback_metrics)


def test_is_a_plugin_that_keeps_the_contract():
    tiny = {"image_size": 16, "patch_size": 8, "dim": 8, "depth": 1, "temporal_depth": 1}
    for name in ("event-vit", "event-vit-fusion", "event-vit-privileged", "event-vit-cross-modal"):
        check_plugin(name, group="models", model_args={**tiny, "num_classes": 3})


def test_weights_and_settings_come_back_from_a_checkpoint(
    kind, make_module, make_trainer, loader, tmp_path
):
    module = make_module(kind)
    trainer = make_trainer(max_epochs=1, limit_val_batches=0)
    trainer.fit(module, loader)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    again = type(module).load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert again.hparams == module.hparams
    state = module.state_dict()
    assert all(torch.equal(each, state[name]) for name, each in again.state_dict().items())
    # metrics are tools of the run and no part of what was learnt
    assert not [name for name in state if "metrics" in name]


def test_predictions_keep_what_the_batch_holds(kind, make_module, make_trainer, loader):
    module = make_module(kind)
    first, last = make_trainer().predict(module, loader)
    batch = next(iter(loader))
    assert batch.keys() < first.keys()
    assert first["files"] == batch["files"]
    if kind.startswith("cross-modal"):
        assert first["alphas"].shape == (4, 5, 32)
    if kind != "cross-modal":
        assert last["probabilities"].shape == (2, 3)
        if kind != "early-features":
            torch.testing.assert_close(last["probabilities"].sum(1), torch.ones(2))


def test_sample_images_are_pictures_of_one_size(kind, make_module, loader):
    module = make_module(kind).eval()
    batch = next(iter(loader))
    with torch.no_grad():
        (pictures,) = module.sample_images(batch).values()
    assert pictures.shape[:2] == (4, 3)
    assert pictures.shape[3] == 640
    assert pictures.min() >= 0
    assert 0.5 < pictures.max() <= 1


def test_hidden_padding_has_no_effect(kind, make_module, loader):
    batch = next(iter(loader))
    changed = {**batch}
    for name in ("event", "rgb"):
        changed[name] = batch[name].clone()
        changed[name][~batch["frame_valid"]] = 77
    for hidden in (True, False):
        module = make_module(kind, mask_padding=hidden).eval()
        with torch.no_grad():
            first, second = (module.predict_step(each, 0) for each in (batch, changed))
        name = "alphas" if kind.startswith("cross-modal") else "probabilities"
        seen = batch["frame_valid"] if name == "alphas" else slice(None)
        same = torch.allclose(first[name][seen], second[name][seen], atol=1e-6)
        assert same == hidden


def test_infinite_loss_names_the_files(kind, make_module, make_trainer, loader):
    module = make_module(kind)
    with torch.no_grad():
        for parameter in module.network.parameters():
            parameter.fill_(torch.nan)
    trainer = make_trainer(max_epochs=1, limit_val_batches=0, callbacks=[FiniteLoss()])
    with pytest.raises(NonFiniteLoss, match=r"clip-0, clip-1, clip-2, clip-3"):
        trainer.fit(module, loader)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("event", "event"),
        ("rgb", "rgb"),
        ("late", "rgb"),
        ("early", "event"),
        ("privileged-rgb", "rgb"),
        ("cross-modal", "event"),
    ],
)
def test_missing_modality_is_named(kind, missing, make_module, make_trainer, loader):
    batch = next(iter(loader))
    del batch[missing]
    batches = DataLoader([batch], batch_size=None)
    with pytest.raises(ConfigError, match=rf"data.modality to {missing}, or to both"):
        make_trainer(max_epochs=1).fit(make_module(kind), batches)


def test_classes_are_taken_from_the_data(kind, make_module, make_trainer, loader, tmp_path):
    module = make_module(kind)
    assert module.class_names == ["class_0", "class_1", "class_2"]
    names = ["AU_1", "AU_2", "AU_43"]
    data = Data(loader, class_names=names, num_classes=3)
    trainer = make_trainer(max_steps=1)
    trainer.fit(module, data)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    again = type(module).load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert again.class_names == names


def test_other_classes_than_the_datas_are_refused(kind, make_module, make_trainer, loader):
    module = make_module(kind, class_names=["AU_2", "AU_1", "AU_43"])
    data = Data(loader, class_names=["AU_1", "AU_2", "AU_43"], num_classes=3)
    with pytest.raises(ConfigError, match="made for the classes AU_2, AU_1, AU_43"):
        make_trainer(max_steps=1).fit(module, data)
    with pytest.raises(ConfigError, match="num_classes"):
        make_trainer().test(make_module(kind), Data(loader, num_classes=4), verbose=False)


def test_24_classes_are_the_action_units(make_module):
    names = make_module("event", num_classes=24).class_names
    assert (names[0], names[7], names[23]) == ("AU_1", "AU_12", "AU_56")


def test_cosine_reaches_zero_at_the_end_of_the_run(make_module, make_trainer, loader):
    module = make_module("event", lr_schedule="cosine", warmup=0.5)
    trainer = make_trainer(max_epochs=4, limit_val_batches=0)
    rates = []
    module.on_before_optimizer_step = lambda optimizer: rates.append(
        optimizer.param_groups[0]["lr"]
    )
    trainer.fit(module, loader)
    assert len(rates) == 8
    assert rates == sorted(rates[:5]) + sorted(rates[5:], reverse=True)
    assert max(rates) == pytest.approx(1e-2)
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0)
