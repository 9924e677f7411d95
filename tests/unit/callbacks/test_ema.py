from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import EMA, EMASchedule
from lightning_face.callbacks.ema import warm_up_decay
from lightning_face.checkpoint import load_checkpoint
from lightning_face.errors import ConfigError


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


def by_ema_pytorch(history, largest, after=2, every=2, power=0.75):
    """The average after the steps of a history, the first of which is the start."""
    average = history[0]
    for step, weights in enumerate(history[1:]):
        if step == 0 or (step <= after and step % every == 0):
            average = weights
        elif step % every == 0:
            decay = min(max(1 - (1 + step - after) ** -power, 0), largest)
            average = {n: decay * average[n] + (1 - decay) * weights[n] for n in average}
    return average


@pytest.mark.parametrize("largest", [0.9999, 0.3])
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_schedule_copies_rests_and_then_remembers_ever_longer(fit, largest, epochs):
    recorder, ema = Recorder(), EMA(largest, EMASchedule(update_after_step=2, update_every=2))
    _, model = fit(recorder, ema, max_epochs=epochs)
    averaged = ema.averaged_state_dict(model)
    for name, tensor in by_ema_pytorch(recorder.history, largest).items():
        torch.testing.assert_close(averaged[name], tensor)


@pytest.mark.parametrize(
    ("step", "decay"),
    [(0, 0.0), (7, 1.0), (50, 0.0), (100, 0.0), (105, 1.0), (110, 1 - 11**-0.75)],
)
def test_published_schedule(step, decay):
    assert EMASchedule().decay_at(step, 0.9999) == pytest.approx(decay)


def test_decay_grows_to_the_largest_and_no_further():
    decays = [EMASchedule().decay_at(step, 0.99) for step in range(110, 2000, 10)]
    assert decays == sorted(decays)
    assert decays[0] < 0.9 < decays[-1] == 0.99


@pytest.mark.parametrize(
    "settings", [{"update_after_step": -1}, {"update_every": 0}, {"power": 0.0}]
)
def test_a_schedule_without_a_meaning_is_refused(settings):
    with pytest.raises(ConfigError, match=f"got .*{next(iter(settings.values()))}"):
        EMASchedule(**settings)


def test_the_schedule_goes_on_where_a_run_was_left(fit, tmp_path):
    def scheduled():
        return EMA(0.99, EMASchedule(update_after_step=3, update_every=2))

    whole = scheduled()
    _, model = fit(whole, max_epochs=2)
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="half")
    fit(scheduled(), keeper, enable_checkpointing=True, max_epochs=1)
    resumed = scheduled()
    _, again = fit(resumed, resume=tmp_path / "half.ckpt", max_epochs=2)
    expected = whole.averaged_state_dict(model)
    for name, tensor in resumed.averaged_state_dict(again).items():
        assert torch.equal(tensor, expected[name])


def test_only_the_parts_asked_for_are_averaged(fit, net, tmp_path):
    class TwoParts(net):
        def __init__(self):
            super().__init__()
            self.critic = torch.nn.Linear(4, 1)

        def training_step(self, batch, batch_idx):
            loss = super().training_step(batch, batch_idx)
            return loss + self.critic(self.net(batch["x"])).square().mean()

    recorder, ema = Recorder(), EMA(0.9, parts=["net"])
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="last")
    fit(recorder, ema, keeper, model=TwoParts(), enable_checkpointing=True)
    average = expected(recorder.history, 0.9)
    saved = load_checkpoint(tmp_path / "last.ckpt")["state_dict"]
    for name, tensor in average.items():
        wanted = tensor if name.startswith("net.") else recorder.history[-1][name]
        torch.testing.assert_close(recorder.validated[-1][name], wanted)
        torch.testing.assert_close(saved[name], wanted)


def test_a_part_that_is_not_trained_is_refused_with_those_that_are(fit):
    with pytest.raises(ConfigError, match=r"parts='frozen', but what is trained is net"):
        fit(EMA(parts=["net", "frozen"]))


def test_the_warm_up_follows_its_formula(fit):
    recorder, ema = Recorder(), EMA(0.9999, schedule="warm_up")
    _, model = fit(recorder, ema)
    average = recorder.history[0]
    for number, weights in enumerate(recorder.history[1:], start=1):
        decay = (1 + number) / (10 + number)
        average = {n: decay * average[n] + (1 - decay) * weights[n] for n in average}
    for name, tensor in average.items():
        torch.testing.assert_close(ema.averaged_state_dict(model)[name], tensor)


def test_the_warm_up_ends_at_the_largest_decay():
    assert warm_up_decay(0, 0.9999) == 2 / 11
    assert warm_up_decay(10**6, 0.9999) == 0.9999


def test_an_average_of_every_batch_also_counts_those_that_accumulate(fit):
    _, by_step = fit(steps := EMA(0.5), accumulate_grad_batches=3)
    _, by_batch = fit(batches := EMA(0.5, every="batch"), accumulate_grad_batches=3)
    recorder = Recorder()
    fit(recorder, accumulate_grad_batches=3)
    start, first, second = recorder.history
    name = next(iter(start))
    # six batches, of which the third and the sixth step
    average = start[name]
    for weights in (start, start, first, first, first, second):
        average = 0.5 * average + 0.5 * weights[name]
    torch.testing.assert_close(batches.averaged_state_dict(by_batch)[name], average)
    other = steps.averaged_state_dict(by_step)[name]
    torch.testing.assert_close(other, expected(recorder.history, 0.5)[name])


def test_an_unknown_pace_is_refused():
    with pytest.raises(ConfigError, match="'epoch'"):
        EMA(every="epoch")


@pytest.mark.parametrize("schedule", ["warmup", "cosine", 0.5])
def test_an_unknown_schedule_is_refused(schedule):
    with pytest.raises(ConfigError, match=f"not {schedule!r}"):
        EMA(schedule=schedule)


@pytest.mark.parametrize(("every", "updates"), [("step", 4), ("batch", 12)])
def test_the_warm_up_of_a_part_goes_on_where_a_run_was_left(fit, tmp_path, every, updates):
    def warming():
        return EMA(0.99, schedule="warm_up", parts=["net.0"], every=every)

    whole, resumed = warming(), warming()
    # two steps in six batches
    _, model = fit(whole, max_epochs=2, accumulate_grad_batches=4)
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="half")
    fit(warming(), keeper, enable_checkpointing=True, accumulate_grad_batches=4)
    saved = load_checkpoint(tmp_path / "half.ckpt")
    assert set(saved["ema_trained_weights"]) == {"net.0.weight", "net.0.bias"}
    assert saved["callbacks"]["EMA"] == {"updates": updates // 2}
    half = tmp_path / "half.ckpt"
    _, again = fit(resumed, resume=half, max_epochs=2, accumulate_grad_batches=4)
    assert resumed.state_dict() == whole.state_dict() == {"updates": updates}
    wanted = whole.averaged_state_dict(model)
    for name, tensor in resumed.averaged_state_dict(again).items():
        assert torch.equal(tensor, wanted[name])


def test_parts_may_change_when_a_run_goes_on(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="half")
    first = EMA(0.9, parts=["net.0"])
    _, model = fit(first, keeper, enable_checkpointing=True)
    recorder, second = Recorder(), EMA(0.9, parts=["net.1"])
    _, again = fit(recorder, second, resume=tmp_path / "half.ckpt", max_epochs=2)
    for name, tensor in trained(model).items():
        assert torch.equal(recorder.history[0][name], tensor)
    averaged = second.averaged_state_dict(again)
    assert torch.equal(averaged["net.0.weight"], again.state_dict()["net.0.weight"])
    assert not torch.equal(averaged["net.1.bias"], again.state_dict()["net.1.bias"])


@pytest.mark.parametrize("verb", ["validate", "test"])
def test_an_evaluation_behind_training_sees_the_average(fit, loader, verb):
    recorder = Recorder()
    trainer, model = fit(recorder, EMA(0.9), max_epochs=2)
    validated = trainer.callback_metrics["val/loss"].item()
    (metrics,) = getattr(trainer, verb)(model, loader, verbose=False)
    assert metrics["val/loss"] == pytest.approx(validated)
    for name, tensor in trained(model).items():
        assert torch.equal(tensor, recorder.history[-1][name])


@pytest.mark.parametrize("verb", ["validate", "test"])
def test_an_evaluation_of_a_file_sees_the_weights_of_the_file(fit, net, loader, tmp_path, verb):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="{epoch}", save_top_k=-1)
    trainer, model = fit(EMA(0.9), keeper, max_epochs=3, enable_checkpointing=True)
    path = tmp_path / "epoch=0.ckpt"
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    fresh = Trainer(accelerator="cpu", **quiet)
    rows = [
        getattr(each, verb)(given, loader, ckpt_path=path, verbose=False)[0]["val/loss"]
        for each, given in ((trainer, model), (fresh, net()))
    ]
    assert rows[0] == pytest.approx(rows[1])


def test_another_model_keeps_its_weights(fit, net, loader):
    trainer, _ = fit(EMA(0.9))
    other = net()
    before = trained(other)
    seen = Recorder()
    trainer.callbacks.append(seen)
    trainer.validate(other, loader, verbose=False)
    for name, tensor in before.items():
        assert torch.equal(seen.validated[0][name], tensor)
        assert torch.equal(trained(other)[name], tensor)


def test_checkpoints_without_the_average_are_refused(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="last", save_weights_only=True)
    with pytest.raises(ConfigError, match="save_weights_only"):
        fit(EMA(), keeper, enable_checkpointing=True)


def test_small_steps_of_half_precision_weights_are_not_lost(fit, tmp_path):
    recorder, ema = Recorder(), EMA(0.999)
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="last")
    settings = {"precision": "bf16-true", "enable_checkpointing": True}
    _, model = fit(recorder, ema, keeper, max_epochs=5, **settings)
    history = [{name: each.float() for name, each in step.items()} for step in recorder.history]
    averaged = ema.averaged_state_dict(model)
    for name, tensor in expected(history, 0.999).items():
        torch.testing.assert_close(averaged[name], tensor, rtol=1e-5, atol=1e-6)
        assert recorder.validated[-1][name].dtype == torch.bfloat16
    # nor are they in a file
    saved = load_checkpoint(tmp_path / "last.ckpt")["state_dict"]
    for name in recorder.history[0]:
        assert torch.equal(saved[name], averaged[name])
