"""What modules of both kinds do in training, evaluation and prediction."""

from __future__ import annotations

import math
from unittest import mock

import pytest
import torch

from lightning_face.audio import SpeechEncoder
from lightning_face.callbacks import FiniteLoss
from lightning_face.errors import NonFiniteLoss
from lightning_face_scantalk.prediction_writer import TalkingHeadVideos

KINDS = ["mse", "masked", "weighted", "chamfer", "surface", "varifold", "kernel"]


def weights(module):
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_loss_of_a_batch(make_module, make_trainer, make_loader, kind):
    module = make_module(kind)
    loader = make_loader(module.example_batch())
    before = make_trainer().validate(module, loader, verbose=False)[0]["val/loss"]
    make_trainer(max_epochs=8, gradient_clip_val=10.0, limit_val_batches=0).fit(module, loader)
    after = make_trainer().validate(module, loader, verbose=False)[0]["val/loss"]
    assert math.isfinite(before)
    assert after < before


@pytest.mark.parametrize("kind", ["weighted", "surface"])
def test_half_precision_changes_little(make_module, make_trainer, make_loader, kind):
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        module = make_module(kind)
        trainer = make_trainer(precision=precision)
        trainer.fit(module, make_loader(module.example_batch()))
        losses[precision] = trainer.callback_metrics["train/loss"].item()
        assert all(value.isfinite().all() for value in module.state_dict().values())
        (rows,) = trainer.test(module, make_loader(module.example_batch()), verbose=False)
        assert all(map(math.isfinite, rows.values()))
    assert losses["bf16-mixed"] == pytest.approx(losses["32-true"], rel=0.05)


@pytest.mark.parametrize("kind", ["mse", "chamfer"])
def test_accumulated_gradients_are_those_of_one_batch(make_module, make_trainer, make_loader, kind):
    module = make_module(kind)
    both = module.example_batch()
    halves = [{name: value[i : i + 1] for name, value in both.items()} for i in range(2)]
    make_trainer().fit(module, make_loader(both))
    expected = weights(module)
    module = make_module(kind)
    make_trainer(accumulate_grad_batches=2).fit(module, make_loader(*halves))
    # Adam divides gradients by their size, also those that are rounding
    torch.testing.assert_close(weights(module), expected, rtol=1e-3, atol=1e-4)


def test_gradients_are_clipped_before_the_step(make_module, make_trainer, make_loader):
    module = make_module("mse")
    norms = []
    module.on_before_optimizer_step = lambda optimizer: norms.append(
        torch.nn.utils.get_total_norm(
            [each.grad for each in module.parameters() if each.grad is not None]
        ).item()
    )
    clipped = []
    original = module.configure_gradient_clipping

    def configure(*arguments, **options):
        original(*arguments, **options)
        grads = [each.grad for each in module.parameters() if each.grad is not None]
        clipped.append(torch.nn.utils.get_total_norm(grads).item())

    module.configure_gradient_clipping = configure
    make_trainer(gradient_clip_val=1e-3).fit(module, make_loader(module.example_batch()))
    assert norms[0] > 1e-3
    assert clipped[0] == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_is_no_number_names_the_files(make_module, make_trainer, make_loader, kind):
    module = make_module(kind)
    batch = module.example_batch()
    for name in ("vertices", "targets"):
        if name in batch:
            batch[name][1] = [frame * torch.nan for frame in batch[name][1]]
            if name == "vertices":
                batch[name][1] = torch.stack(batch[name][1])
    with pytest.raises(NonFiniteLoss, match=r"ball-1\.npy"):
        make_trainer(callbacks=[FiniteLoss()]).fit(module, make_loader(batch))


def test_speech_weights_are_read_when_training_begins_alone(
    make_module, make_trainer, make_loader, tmp_path
):
    module = make_module("mse", speech_weights="some/weights")
    loader = make_loader(module.example_batch())
    with mock.patch.object(SpeechEncoder, "load_pretrained") as read:
        make_trainer().test(module, loader, verbose=False)
        read.assert_not_called()
        make_trainer().fit(module, loader)
        read.assert_called_once_with("some/weights")
        again = make_module("mse", speech_weights="some/weights")
        again.load_state_dict(module.state_dict())
        make_trainer().fit(again, loader)
        read.assert_called_once()


def test_an_encoder_without_weights_is_announced(make_module, make_trainer, make_loader, caplog):
    module = make_module("mse")
    with caplog.at_level("INFO"):
        make_trainer().fit(module, make_loader(module.example_batch()))
    assert "model.speech_weights is null" in caplog.text


@pytest.mark.parametrize("kind", ["mse", "chamfer"])
def test_predictions_last_as_long_as_the_sound(
    make_module, make_trainer, make_loader, kind, tmp_path
):
    module = make_module(kind)
    batch = module.example_batch()
    (predicted,) = make_trainer().predict(module, make_loader(batch))
    for index, vertices in enumerate(predicted["predicted"]):
        frames = module.network.audio_encoder.num_frames(
            len(batch["waveform"][index]), batch["fps"][index]
        )
        assert vertices.shape == (frames, len(batch["template"][index]), 3)
    assert predicted["files"] == batch["files"]
    assert len(list((tmp_path / "predictions").glob("*.mp4"))) == 2


def test_the_writer_of_the_settings_is_not_replaced(make_module, make_trainer):
    writer = TalkingHeadVideos(height=64)
    module = make_module("mse")
    module._trainer = make_trainer(callbacks=[writer])
    assert module.configure_callbacks() == []
    module._trainer = make_trainer()
    assert [type(each) for each in module.configure_callbacks()] == [TalkingHeadVideos]


@pytest.mark.parametrize("kind", ["mse", "chamfer"])
def test_pictures_show_truth_and_prediction(make_module, kind):
    module = make_module(kind).eval()
    pictures = module.sample_images(module.example_batch())
    assert list(pictures) == ["target", "prediction"]
    for picture in pictures.values():
        assert picture.shape == (8, 3, 224, 192)
        assert 0 <= picture.min() < 0.9 < picture.max() <= 1
    assert not torch.equal(pictures["target"], pictures["prediction"])


def test_layers_are_left_out_by_the_step(make_module):
    module = make_module("mse")
    with mock.patch.object(SpeechEncoder, "begin_step") as begin:
        module.on_train_batch_start(module.example_batch(), 0)
    begin.assert_called_once_with(0)
