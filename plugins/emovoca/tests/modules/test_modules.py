"""What all three trainings have to stand."""

from __future__ import annotations

import math

import pytest
import torch
from lightning.pytorch import Callback

from lightning_face.callbacks import FiniteLoss, ImageGrid
from lightning_face.checkpoint.export import export_checkpoint
from lightning_face.checkpoint.load import load
from lightning_face.errors import NonFiniteLoss
from lightning_face_emovoca.prediction_writer import EmotionalHeadVideos

KINDS = ["desd", "es2d", "es2l"]


def weights(module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_loss(make_module, make_data, make_trainer, kind):
    module, data = make_module(kind), make_data(kind)
    before = make_trainer().test(module, data, verbose=False)[0]["test/loss"]
    make_trainer(max_epochs=4).fit(module, data)
    rows = make_trainer().test(module, data, verbose=False)[0]
    assert rows["test/loss"] < before
    assert all(map(math.isfinite, (before, *rows.values())))


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_changes_little(make_module, make_data, make_trainer, kind):
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        module = make_module(kind)
        trainer = make_trainer(precision=precision, limit_val_batches=1)
        trainer.fit(module, make_data(kind))
        losses[precision] = trainer.callback_metrics["train/loss"].item()
        assert all(value.isfinite().all() for value in module.state_dict().values())
        assert math.isfinite(trainer.callback_metrics["val/loss"])
    assert losses["bf16-mixed"] == pytest.approx(losses["32-true"], rel=0.05)


class Batches(Callback):
    """Keeps what was trained on, for a second run on the same."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        self.seen.append(batch["files"])


@pytest.mark.parametrize(("kind", "large"), [("desd", 8), ("es2d", 8), ("es2l", 2)])
def test_accumulated_gradients_are_those_of_one_batch(
    make_module, make_data, make_trainer, kind, large
):
    found, files = [], []
    for count in (1, 2):
        module, seen = make_module(kind), Batches()
        trainer = make_trainer(
            accumulate_grad_batches=count, limit_train_batches=count, callbacks=[seen]
        )
        trainer.fit(module, make_data(kind, batch_size=large // count))
        assert trainer.global_step == 1
        found.append(weights(module))
        files.append(sorted(file for batch in seen.seen for file in batch))
    assert files[0] == files[1]
    # Adam divides gradients by their size, also those that are rounding
    torch.testing.assert_close(found[1], found[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_clipped(make_module, make_data, make_trainer, kind):
    module = make_module(kind)
    norms = []

    def note(optimizer) -> None:
        grads = [each.grad for each in module.parameters() if each.grad is not None]
        norms.append(torch.nn.utils.get_total_norm(grads).item())

    original = module.configure_gradient_clipping

    def clip(*arguments, **options):
        note(None)
        original(*arguments, **options)
        note(None)

    module.configure_gradient_clipping = clip
    trainer = make_trainer(gradient_clip_val=1e-6, limit_train_batches=1)
    trainer.fit(module, make_data(kind))
    assert norms[0] > 1e-6
    assert norms[1] == pytest.approx(1e-6, rel=1e-2)


@pytest.mark.parametrize(
    ("kind", "key"), [("desd", "expression"), ("es2d", "displacement"), ("es2l", "landmarks")]
)
def test_a_loss_that_is_no_number_names_the_files(make_module, make_data, make_trainer, kind, key):
    class Spoil(Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
            batch[key][0].fill_(torch.nan)

    trainer = make_trainer(callbacks=[Spoil(), FiniteLoss()])
    with pytest.raises(NonFiniteLoss, match=r"sentence0\d"):
        trainer.fit(make_module(kind), make_data(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_validation_draws_pictures(make_module, make_data, make_trainer, kind, tmp_path):
    trainer = make_trainer(limit_val_batches=1, limit_train_batches=1, callbacks=[ImageGrid()])
    trainer.fit(make_module(kind), make_data(kind))
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["00000001.png"]
    pictures = trainer.model.sample_images(next(iter(trainer.val_dataloaders)))
    for picture in pictures.values():
        assert picture.shape[:2] == (4, 3)
        assert 0 <= picture.min() < 0.9 < picture.max() <= 1
    assert len({picture.sum().item() for picture in pictures.values()}) == len(pictures)


@pytest.mark.parametrize("kind", ["desd", "es2d"])
def test_predictions_are_videos(make_module, make_data, make_trainer, kind, tmp_path):
    pytest.importorskip("av")
    trainer = make_trainer(limit_predict_batches=1)
    (predicted,) = trainer.predict(make_module(kind), make_data(kind))
    for shown in predicted["heads"]:
        assert len({vertices.shape for vertices in shown.values()}) == 1
    assert len(list((tmp_path / "predictions").glob("*.mp4"))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_carries_all_that_is_needed(
    make_module, make_data, make_trainer, kind, tmp_path
):
    module, data = make_module(kind), make_data(kind)
    trainer = make_trainer(limit_train_batches=1)
    trainer.fit(module, data)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    export_checkpoint(tmp_path / "one.ckpt", tmp_path / "exported")
    expected = make_trainer().test(module, data, verbose=False)
    for path in ("one.ckpt", "exported"):
        loaded = load(tmp_path / path)
        assert make_trainer().test(loaded, data, verbose=False) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_writer_of_the_settings_is_not_replaced(make_module, make_trainer, kind):
    writer = EmotionalHeadVideos(height=64)
    module = make_module(kind)
    module._trainer = make_trainer(callbacks=[writer])
    assert module.configure_callbacks() == []
    module._trainer = make_trainer()
    assert [type(each) for each in module.configure_callbacks()] == [EmotionalHeadVideos]
