from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.losses import alpha_loss


class Alphas(LightningDataModule):
    """Clips whose coefficients have a mean and a deviation, one of which is zero."""

    def __init__(self, loader: DataLoader, scale: float = 1.0) -> None:
        super().__init__()
        self.loader = loader
        self.alpha_mean = scale * np.linspace(-0.1, 0.1, 32, dtype=np.float32)
        self.alpha_std = scale * np.linspace(0, 0.2, 32, dtype=np.float32)

    def train_dataloader(self) -> DataLoader:
        return self.loader


def test_targets_are_standardised_by_the_training_clips(
    make_module, make_trainer, loader, tmp_path
):
    module = make_module("cross-modal")
    data = Alphas(loader)
    trainer = make_trainer(max_epochs=1)
    trainer.fit(module, data)
    assert np.array_equal(module.alpha_mean.numpy(), data.alpha_mean)
    assert np.array_equal(module.alpha_std.numpy()[1:], data.alpha_std[1:])
    assert module.alpha_std[0] == 1
    batch = next(iter(loader))
    standardised = module.eval().network(batch["event"], batch["frame_valid"])
    alphas = module(batch["event"], batch["frame_valid"])
    torch.testing.assert_close(alphas, standardised * module.alpha_std + module.alpha_mean)
    target = (batch["alpha"] - module.alpha_mean) / module.alpha_std
    expected = alpha_loss(standardised, target, batch["alpha_valid"])
    torch.testing.assert_close(module._losses(batch, standardised, None)["loss"], expected)

    # the scale is kept with the weights, and other data do not change it
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    again = type(module).load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    make_trainer(max_steps=0).fit(again, Alphas(loader, scale=5.0))
    torch.testing.assert_close(again.alpha_mean, module.alpha_mean)
    torch.testing.assert_close(again.alpha_std, module.alpha_std)


def test_labels_do_not_matter(make_module, make_trainer, loader):
    trained = []
    for turned in (0, 1):
        module = make_module("cross-modal")
        batches = [{**batch, "label": (batch["label"] + turned) % 3} for batch in loader]
        torch.manual_seed(1)
        trainer = make_trainer(max_epochs=1, limit_val_batches=0)
        trainer.fit(module, DataLoader(batches, batch_size=None))
        trained.append(module.state_dict())
    assert all(torch.equal(each, trained[1][name]) for name, each in trained[0].items())


def test_a_probe_teaches_the_network_nothing(make_module, make_trainer, loader):
    trained = []
    for kind in ("cross-modal", "cross-modal-probe"):
        module = make_module(kind)
        torch.manual_seed(1)
        make_trainer(max_epochs=2, limit_val_batches=0).fit(module, loader)
        trained.append(module.state_dict())
    alone, probed = trained
    assert probed.keys() - alone.keys() == {"probe.weight", "probe.bias"}
    for name, each in alone.items():
        torch.testing.assert_close(each, probed[name], rtol=0, atol=0)


def test_terms_have_their_weights(make_module, loader):
    batch = next(iter(loader))
    both = make_module("cross-modal-labels", alpha_weight=2.0, ce_weight=0.5).eval()
    alphas, scores = both._predict(batch)
    losses = both._losses(batch, alphas, scores)
    entropy = torch.nn.functional.cross_entropy(scores, batch["label"])
    torch.testing.assert_close(losses["loss"], 2 * losses["alpha_loss"] + 0.5 * entropy)


def test_probe_and_labels_exclude_each_other(make_module):
    with pytest.raises(ConfigError, match=r"model\.probe"):
        make_module("cross-modal", probe=True, ce_weight=1.0)


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [("cross-modal", None), ("cross-modal-probe", "probe_"), ("cross-modal-labels", "")],
)
def test_test_logs_the_rows_of_the_tables(
    make_module, make_trainer, loader, tmp_path, kind, prefix
):
    basis = tmp_path / "3dmm.npz"
    components = np.random.default_rng(0).normal(size=(30, 32))
    np.savez(basis, expression_components=components, identity_components=np.zeros((30, 22)))
    module = make_module(kind, basis=str(basis))
    (rows,) = make_trainer().test(module, loader, verbose=False)
    regression = {"mse", "mse_blind", "mae", "mse_standardised", "mae_standardised"}
    assert {f"test/alpha_{name}" for name in regression} < rows.keys()
    assert {"test/r2", "test/r2_00", "test/r2_31", "test/vertex_distance_mm"} < rows.keys()
    assert (f"test/{prefix}accuracy" in rows) == (prefix is not None)
    assert (tmp_path / "samples" / "confusion.png").is_file() == (prefix is not None)
    predicted = make_trainer().predict(module, loader)
    error = torch.cat([(each["alphas"] - each["alpha"])[each["alpha_valid"]] for each in predicted])
    assert rows["test/alpha_mse"] == pytest.approx(error.square().mean().item(), rel=1e-4)
    moved = (error @ torch.from_numpy(components).float().T).view(-1, 10, 3).norm(dim=-1).mean()
    assert rows["test/vertex_distance_mm"] == pytest.approx(1000 * moved.item(), rel=1e-4)


@pytest.mark.parametrize(
    "arrays", [{"a": (30, 22)}, {"a": (31, 32)}, {"a": (30, 32), "b": (60, 32)}], ids=str
)
def test_a_basis_that_cannot_be_is_refused(make_module, make_trainer, loader, tmp_path, arrays):
    np.savez(tmp_path / "3dmm.npz", **{name: np.zeros(size) for name, size in arrays.items()})
    module = make_module("cross-modal", basis=str(tmp_path / "3dmm.npz"))
    with pytest.raises(DataError, match=r"3dmm\.npz must hold one expression basis"):
        make_trainer().test(module, loader, verbose=False)
