from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import EMA
from lightning_face.checkpoint import load_checkpoint


def trained(module) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}


class Recorder(Callback):
    """Keeps the trained weights before training and after every optimizer step."""

    def __init__(self) -> None:
        self.history = []
        self.validated = []

    def on_train_start(self, trainer, pl_module):
        self.history.append(trained(pl_module))

    def on_train_batch_end(self, trainer, pl_module, *_):
        if trainer.global_step == len(self.history):
            self.history.append(trained(pl_module))

    def on_validation_batch_start(self, trainer, pl_module, *_):
        if not trainer.sanity_checking:
            self.validated.append(trained(pl_module))


def expected(history, decay):
    average = history[0]
    for weights in history[1:]:
        average = {n: decay * average[n] + (1 - decay) * weights[n] for n in average}
    return average


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_average_over_optimizer_steps(fit, decay, accumulate):
    recorder, ema = Recorder(), EMA(decay)
    _, model = fit(recorder, ema, accumulate_grad_batches=accumulate)
    assert len(recorder.history) == 1 + -(-6 // accumulate)
    averaged = ema.averaged_state_dict(model)
    for name, tensor in expected(recorder.history, decay).items():
        torch.testing.assert_close(averaged[name], tensor)


def test_validation_sees_the_average_and_training_does_not(fit):
    recorder, ema = Recorder(), EMA(0.9)
    _, model = fit(ema, recorder, max_epochs=2)
    average = expected(recorder.history, 0.9)
    for name, tensor in trained(model).items():
        torch.testing.assert_close(recorder.validated[-1][name], average[name])
        assert torch.equal(tensor, recorder.history[-1][name])
        assert not torch.equal(tensor, average[name])


def test_training_is_the_same_with_and_without(fit):
    _, plain = fit(max_epochs=2)
    _, averaged = fit(EMA(), max_epochs=2)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, averaged.state_dict()[name])


def test_only_trained_weights_are_averaged(fit):
    ema = EMA(0.9)
    _, model = fit(ema)
    averaged, current = ema.averaged_state_dict(model), model.state_dict()
    for name in ("frozen.weight", "net.1.running_mean", "net.1.num_batches_tracked"):
        assert torch.equal(averaged[name], current[name])


def test_a_checkpoint_holds_the_average_as_the_models_weights(fit, net, loader, tmp_path):
    ema = EMA(0.9)
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="last", monitor="val/loss")
    trainer, model = fit(ema, keeper, enable_checkpointing=True)
    saved = load_checkpoint(tmp_path / "last.ckpt")
    averaged = ema.averaged_state_dict(model)
    for name, tensor in saved["state_dict"].items():
        assert torch.equal(tensor, averaged[name])
    for name, tensor in trained(model).items():
        assert torch.equal(saved["ema_trained_weights"][name], tensor)
    # test and validation of the file see what was validated during training
    (metrics,) = trainer.test(net(), loader, ckpt_path=tmp_path / "last.ckpt", verbose=False)
    assert metrics["val/loss"] == pytest.approx(
        saved["callbacks"][keeper.state_key]["best_model_score"].item()
    )


def test_a_run_may_begin_to_average_later(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="plain")
    fit(keeper, enable_checkpointing=True)
    recorder, ema = Recorder(), EMA(0.5)
    _, model = fit(recorder, ema, resume=tmp_path / "plain.ckpt", max_epochs=2)
    assert not torch.equal(
        ema.averaged_state_dict(model)["net.0.weight"], model.state_dict()["net.0.weight"]
    )


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5])
def test_a_decay_that_averages_nothing_is_refused(decay):
    with pytest.raises(ValueError, match="decay"):
        EMA(decay)


def test_a_failing_validation_leaves_the_trained_weights(fit, net):
    class Failing(net):
        def validation_step(self, batch, batch_idx):
            if not self.trainer.sanity_checking:
                raise RuntimeError("no")

    recorder, model = Recorder(), Failing()
    with pytest.raises(RuntimeError, match="no"):
        fit(recorder, EMA(0.5), model=model)
    for name, tensor in trained(model).items():
        assert torch.equal(tensor, recorder.history[-1][name])
