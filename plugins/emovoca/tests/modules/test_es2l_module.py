"""Speech to landmarks."""

from __future__ import annotations

from unittest import mock

import pytest
import torch
from torch.utils.data import DataLoader

from lightning_face.audio import SpeechEncoder
from lightning_face.errors import ConfigError


def test_speech_weights_are_read_when_training_begins_alone(make_module, make_data, make_trainer):
    module = make_module("es2l", speech_weights="some/weights")
    data = make_data("es2l")
    with mock.patch.object(SpeechEncoder, "load_pretrained") as read:
        make_trainer().test(module, data, verbose=False)
        read.assert_not_called()
        make_trainer(limit_train_batches=1).fit(module, data)
        read.assert_called_once_with("some/weights")
        again = make_module("es2l", speech_weights="some/weights")
        again.load_state_dict(module.state_dict())
        make_trainer(limit_train_batches=1).fit(again, data)
        read.assert_called_once()


def test_an_encoder_without_weights_is_announced(make_module, make_data, make_trainer, caplog):
    with caplog.at_level("INFO"):
        make_trainer(limit_train_batches=1).fit(make_module("es2l"), make_data("es2l"))
    assert "model.speech_weights is null" in caplog.text


def test_layers_are_left_out_by_the_step(make_module):
    module = make_module("es2l")
    with mock.patch.object(SpeechEncoder, "begin_step") as begin:
        module.on_train_batch_start({}, 0)
    begin.assert_called_once_with(0)


def test_emotions_of_the_data_have_to_be_as_many(make_module, make_data, make_trainer):
    with pytest.raises(ConfigError, match="num_emotions"):
        make_trainer().fit(make_module("es2l", num_emotions=12), make_data("es2l"))


def test_the_other_sound_is_the_last_of_another_sentence(make_module):
    module = make_module("es2l")
    names = ["one", "one", "two", "two", "one", "three"]
    sounds = [torch.full((1,), float(index)) for index in range(len(names))]
    batch = {"sentence": names, "waveform": sounds}
    found = [None if each is None else each.item() for each in module._other_sounds(batch)]
    assert found == [None, None, 1, 1, 3, 4]


def test_blind_rows_are_those_of_other_inputs(make_module, make_data, make_trainer):
    module, data = make_module("es2l"), make_data("es2l")
    (rows,) = make_trainer().test(module, data, verbose=False)
    assert rows["test/mse_ratio_wrong_label"] != rows["test/mse_ratio"]
    assert rows["test/mouth_error_wrong_sound"] != rows["test/mouth_error"]
    # where the network hears nothing, another sentence makes no difference
    torch.nn.init.zeros_(module.network.audio_mapper.weight)
    heard = list(data.test_dataloader())
    (rows,) = make_trainer().test(module, DataLoader(heard, batch_size=None), verbose=False)
    others = [batch for batch in heard if batch["sentence"] != heard[0]["sentence"]]
    assert others
    module.on_test_epoch_start()
    (alike,) = make_trainer().test(module, DataLoader(others, batch_size=None), verbose=False)
    assert rows["test/mouth_error_wrong_sound"] == pytest.approx(alike["test/mouth_error"])


def test_predictions_last_as_long_as_the_sound(make_module, make_data):
    module, data = make_module("es2l").eval(), make_data("es2l")
    data.prepare_data()
    data.setup("predict")
    batch = next(iter(data.predict_dataloader()))
    predicted = module.predict_step(batch, 0)["predicted_landmarks"]
    assert predicted[0].shape == (module.network.num_frames(len(batch["waveform"][0])), 68, 3)
