from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Callback

from lightning_face.callbacks import EMA, FiniteLoss
from lightning_face.checkpoint import export_checkpoint
from lightning_face.checkpoint.load import load
from lightning_face.errors import NonFiniteLoss
from lightning_face_sis.modules.ca2sis_module import CA2SISModule


@pytest.fixture
def module(settings):
    torch.manual_seed(0)
    return CA2SISModule(**settings)


def flat(parameters) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in parameters])


def test_both_players_step_once_an_iteration(module, batches, run):
    before = {name: value.clone() for name, value in module.named_parameters()}
    trainer = run(module, batches(3, 2))
    assert trainer.global_step == 6
    changed = {
        name.partition(".")[0]
        for name, value in module.named_parameters()
        if not torch.equal(value, before[name])
    }
    assert changed == {"generator", "discriminator"}


def test_the_discriminator_sees_the_stepped_generator(settings, batches, monkeypatch, run):
    made = {}
    for fresh in (True, False):
        torch.manual_seed(0)
        module = CA2SISModule(**settings, fresh_fakes=fresh)
        shown: list[torch.Tensor] = []
        judge = module.judge

        def watch(fake, *others, judge=judge, shown=shown):
            shown.append(fake.detach().clone())
            return judge(fake, *others)

        monkeypatch.setattr(module, "judge", watch)
        run(module, batches(1, 2))
        made[fresh] = shown
    torch.testing.assert_close(made[True][0], made[False][0])
    assert torch.equal(*made[False])
    assert not torch.allclose(*made[True], atol=1e-4)


def test_accumulation_equals_one_large_batch(settings, batches, run):
    large = batches(2, 4)
    small = [
        {name: value[start : start + 2] for name, value in batch.items()}
        for batch in large
        for start in (0, 2)
    ]
    ends = []
    for given, choices in ((large, {}), (small, {"accumulate_grad_batches": 2})):
        torch.manual_seed(0)
        # power iterations would go on with every batch
        module = CA2SISModule(**settings, discriminator_norm="instance", fresh_fakes=False)
        start = flat(module.parameters())
        trainer = run(module, given, **choices)
        assert trainer.global_step == 4
        ends.append(flat(module.parameters()) - start)
    assert (ends[0] - ends[1]).norm() < 0.02 * ends[0].norm()


def test_an_unfinished_accumulation_steps_at_the_end_of_the_epoch(module, batches, run):
    assert run(module, batches(3, 2), accumulate_grad_batches=2).global_step == 4


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_gradients_of_both_players_are_clipped(module, batches, monkeypatch, run, algorithm):
    seen = []
    configure = module.configure_optimizers

    def watched():
        optimizers, schedulers = configure()
        for optimizer in optimizers:
            optimizer.register_step_post_hook(
                lambda optimizer, *_: seen.append(
                    flat(
                        each.grad
                        for group in optimizer.param_groups
                        for each in group["params"]
                        if each.grad is not None
                    )
                )
            )
        return optimizers, schedulers

    monkeypatch.setattr(module, "configure_optimizers", watched)
    run(module, batches(2, 2), gradient_clip_val=1e-3, gradient_clip_algorithm=algorithm)
    assert len(seen) == 4
    sizes = [each.norm() if algorithm == "norm" else each.abs().max() for each in seen]
    assert all(size == pytest.approx(1e-3, rel=1e-3) for size in sizes)


def test_an_interrupted_step_freezes_nobody(module, batches, monkeypatch, run):
    def interrupt(batch):
        raise KeyError("in the turn of the discriminator")

    monkeypatch.setattr(module, "discriminator_terms", interrupt)
    with pytest.raises(KeyError):
        run(module, batches(1, 2))
    assert all(each.requires_grad for each in module.parameters())


def test_learns_in_bfloat16(module, batches, run):
    start = flat(module.parameters())
    trainer = run(module, batches(2, 2), precision="bf16-mixed")
    end = flat(module.parameters())
    assert end.isfinite().all()
    assert not torch.equal(start, end)
    assert all(value.isfinite() for value in trainer.callback_metrics.values())


def test_learning_rates_fall_by_epochs(settings, batches, run):
    module = CA2SISModule(**settings, constant_epochs=1, decay_epochs=2)
    trainer = run(module, batches(1, 2), max_epochs=3)
    # behind the last epoch: half of the steps down are done
    rates = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]
    assert rates == pytest.approx([0.5e-3 * 0.0, 2e-3 * 0.0])


def test_undefined_loss_names_the_files_and_leaves_the_weights(module, batches, run):
    given = batches(2, 2)
    given[1]["images"][0, 0, 3, 4] = torch.nan
    with pytest.raises(NonFiniteLoss, match=r"1-0\.jpg, 1-1\.jpg"):
        run(module, given, callbacks=[FiniteLoss()])
    assert flat(module.parameters()).isfinite().all()


def test_weights_to_share_are_the_generator(module, batches, run, tmp_path):
    trainer = run(module, batches(1, 2))
    assert {name.partition(".")[0] for name in module.state_dict()} == {"generator"}
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    export_checkpoint(tmp_path / "run.ckpt", tmp_path / "weights")
    shared = load(tmp_path / "weights")
    assert torch.equal(flat(shared.generator.parameters()), flat(module.generator.parameters()))


def test_checkpoints_hold_the_discriminator(settings, module, batches, run, tmp_path):
    run(module, batches(1, 2)).save_checkpoint(tmp_path / "run.ckpt")
    other = CA2SISModule(**settings)
    run(other, batches(1, 2), verb="test", max_epochs=None)
    assert not torch.equal(
        flat(other.discriminator.buffers()), flat(module.discriminator.buffers())
    )
    other.on_load_checkpoint(torch.load(tmp_path / "run.ckpt", weights_only=True))
    assert torch.equal(flat(other.discriminator.buffers()), flat(module.discriminator.buffers()))


class Weights(Callback):
    """Weights of the generator before the first iteration and behind each one that stepped."""

    def __init__(self) -> None:
        self.seen: list[torch.Tensor] = []

    def on_train_start(self, trainer, pl_module) -> None:
        self.seen.append(flat(pl_module.generator.parameters()))

    def on_train_batch_end(self, trainer, pl_module, *others) -> None:
        if trainer.global_step == 2 * len(self.seen):
            self.seen.append(flat(pl_module.generator.parameters()))


@pytest.mark.parametrize("every", [1, 2])
def test_the_generator_is_averaged_once_an_iteration(module, batches, run, tmp_path, every):
    weights = Weights()
    # averages see what the callbacks before them have seen
    average = EMA(decay=0.75, parts=["generator"])
    trainer = run(
        module, batches(2 * every, 2), callbacks=[weights, average], accumulate_grad_batches=every
    )
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    saved = torch.load(tmp_path / "run.ckpt", weights_only=True)
    # twice an iteration would leave less of the beginning
    start, first, second = weights.seen
    expected = 0.75 * (0.75 * start + 0.25 * first) + 0.25 * second
    assert saved["state_dict"].keys() == module.state_dict().keys()
    torch.testing.assert_close(flat(saved["state_dict"].values()), expected)
    assert not torch.allclose(second, expected, atol=1e-5)
    # the discriminator is not averaged
    assert torch.equal(
        flat(saved["discriminator"].values()), flat(module.discriminator.state_dict().values())
    )
    assert trainer.global_step == 4
