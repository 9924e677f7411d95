from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, mse_loss
from torch.utils.data import DataLoader


@pytest.mark.parametrize(
    ("kind", "kept"), [("privileged-rgb", "event"), ("privileged-event", "rgb")]
)
def test_use_does_without_the_privileged_modality(make_module, make_trainer, loader, kind, kept):
    module = make_module(kind).eval()
    dropped = kind.removeprefix("privileged-")
    batch = next(iter(loader))
    alone = {name: value for name, value in batch.items() if name != dropped}
    with torch.no_grad():
        scores, losses = module.losses(batch)
        torch.testing.assert_close(module.class_scores(alone), scores)
        torch.testing.assert_close(module(batch[kept], batch["frame_valid"]), scores)
    assert losses.keys() == {"loss", "pi_mse"}
    (with_both,) = make_trainer().test(module, DataLoader([batch], batch_size=None), verbose=False)
    (with_one,) = make_trainer().test(module, DataLoader([alone], batch_size=None), verbose=False)
    assert with_both.keys() - with_one.keys() == {"test/pi_mse"}
    assert with_one["test/accuracy"] == with_both["test/accuracy"]


def test_loss_is_the_sum_of_both_terms(make_module, loader):
    module = make_module("privileged-rgb").eval()
    batch = next(iter(loader))
    scores, losses = module.losses(batch)
    output = module.network(batch["event"], batch["rgb"], batch["frame_valid"])
    torch.testing.assert_close(losses["pi_mse"], mse_loss(output.hallucinated, output.privileged))
    expected = cross_entropy(scores, batch["label"]) + losses["pi_mse"]
    torch.testing.assert_close(losses["loss"], expected)


@pytest.mark.parametrize("disturbed", [False, True])
def test_privileged_features_are_disturbed_as_published_only(make_module, loader, disturbed):
    module = make_module("privileged-rgb", privileged_dropout=disturbed, dropout=0.5).train()
    batch = next(iter(loader))
    first, second = (
        module.network(batch["event"], batch["rgb"], batch["frame_valid"]) for _ in range(2)
    )
    assert torch.equal(first.privileged, second.privileged) != disturbed
    assert not torch.equal(first.hallucinated, second.hallucinated)


def test_learns_to_imitate_what_it_leaves_alone(make_module, make_trainer, loader):
    module = make_module("privileged-rgb", dropout=0.0, emb_dropout=0.0)
    before = {name: each.clone() for name, each in module.network.privileged.state_dict().items()}
    first = make_trainer().validate(module, loader, verbose=False)[0]["val/pi_mse"]
    make_trainer(max_epochs=15, limit_val_batches=0).fit(module, loader)
    last = make_trainer().validate(module, loader, verbose=False)[0]["val/pi_mse"]
    assert last < 0.5 * first
    after = module.network.privileged.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())
