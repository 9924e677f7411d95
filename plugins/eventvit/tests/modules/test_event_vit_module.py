from __future__ import annotations

import torch

from lightning_face_eventvit.data.action_units import ACTION_UNITS
from lightning_face_eventvit.modules.event_vit_module import EventViTModule


def test_scores_are_those_of_the_network(make_module, loader):
    batch = next(iter(loader))
    module = make_module("event").eval()
    with torch.no_grad():
        scores = module.class_scores(batch)
        torch.testing.assert_close(scores, module.network(batch["event"], batch["frame_valid"]))
        torch.testing.assert_close(scores, module(batch["event"], batch["frame_valid"]))
        probabilities = module.predict_step(batch, 0)["probabilities"]
    torch.testing.assert_close(probabilities, scores.softmax(1))


def test_test_logs_the_rows_of_the_table(make_module, make_trainer, loader, tmp_path):
    module = make_module("event", class_names=["AU_1", "AU_12", "AU_43"])
    (rows,) = make_trainer().test(module, loader, verbose=False)
    assert {
        "test/loss",
        "test/accuracy",
        "test/accuracy_low",
        "test/accuracy_high",
        "test/accuracy_published",
        "test/cross_entropy",
        "test/cross_entropy_published",
        "test/balanced_accuracy",
        "test/macro_f1",
        "test/top3_accuracy",
        "test/group_accuracy",
        "test/calibration_error",
        "test/recall_AU_1",
        "test/recall_AU_12",
        "test/recall_AU_43",
    } == set(rows)
    assert rows["test/top3_accuracy"] == 1
    assert (tmp_path / "samples" / "confusion.png").is_file()
    again = make_trainer().test(module, loader, verbose=False)
    assert again == [rows]


def test_validation_starts_anew_every_time(make_module, make_trainer, loader):
    module = make_module("event")
    first = make_trainer().validate(module, loader, verbose=False)
    assert first == make_trainer().validate(module, loader, verbose=False)
    assert {"val/loss", "val/accuracy", "val/balanced_accuracy", "val/macro_f1"} == set(first[0])


def test_published_size():
    module = EventViTModule()
    assert sum(each.numel() for each in module.parameters()) == 659_484
    assert module.class_names == list(ACTION_UNITS)
    rgb = EventViTModule(modality="rgb")
    assert sum(each.numel() for each in rgb.parameters()) == 828_444


def test_frames_may_be_higher_than_wide(make_module):
    module = make_module("event", image_size=(24, 16)).eval()
    batch = module.example_batch()
    assert batch["event"].shape[-2:] == (24, 16)
    assert module.class_scores(batch).shape == (2, 3)
