from __future__ import annotations

import math

import pytest
import torch

from lightning_face.callbacks import FiniteLoss
from lightning_face.errors import NonFiniteLoss


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_run_stops_before_the_step_and_names_step_and_files(fit, net, value):
    model = net(spoilt=3, loss=value)
    before = {}
    model.on_train_batch_start = lambda batch, batch_idx: before.update(
        {name: tensor.clone() for name, tensor in model.named_parameters()}
    )
    with pytest.raises(NonFiniteLoss, match=r"step 3 .*6\.png, 7\.png") as caught:
        fit(FiniteLoss(), model=model)
    assert "\n" not in str(caught.value)
    for name, tensor in model.named_parameters():
        assert torch.equal(tensor, before[name])


def test_a_finite_loss_passes(fit):
    trainer, _ = fit(FiniteLoss())
    assert trainer.global_step == 6


def test_manual_optimisation_is_watched_too(fit, net):
    class Manual(net):
        automatic_optimization = False

        def training_step(self, batch, batch_idx):
            self.manual_backward(super().training_step(batch, batch_idx))
            self.optimizers().step()

    with pytest.raises(NonFiniteLoss, match="step 1 "):
        fit(FiniteLoss(), model=Manual(spoilt=1))


def test_infinite_gradients_of_a_finite_loss_are_not_its_business(fit, net):
    model = net()
    model.net[0].weight.register_hook(lambda gradient: gradient * math.inf)
    trainer, _ = fit(FiniteLoss(), model=model, max_steps=1)
    assert trainer.global_step == 1
