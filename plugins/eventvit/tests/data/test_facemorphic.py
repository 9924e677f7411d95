"""The data module: parts of the split, batches, and one clear error for what cannot be used."""

from __future__ import annotations

import json
import logging
import shutil

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.data.sample import write_sample

USERS = "abcdefghij"


@pytest.fixture
def ready(dataset, tmp_path):
    """Builds a data module over the ten users and sets a stage up."""

    def build(stage="fit", **settings) -> FacemorphicDataModule:
        defaults = {
            "root": str(dataset.root),
            "classes": ["AU_1", "AU_12"],
            "num_frames": 8,
            "image_size": 16,
            "resize": 20,
            "batch_size": 2,
            "cache_dir": str(tmp_path / "cache"),
        }
        module = FacemorphicDataModule(**{**defaults, **settings})
        module.setup(stage)
        return module

    return build


def users(dataset) -> list[str]:
    return sorted({record.clip.user for record in dataset.records})


def test_parts_share_no_user_and_the_published_ones_are_tested(ready):
    fitted, tested = ready("fit"), ready("test")
    assert users(tested.test_set) == ["a", "b"]
    train, validation = users(fitted.train_set), users(fitted.val_set)
    assert len(validation) == 1
    assert sorted(train + validation) == list("cdefghij")
    assert (len(fitted.train_set), len(fitted.val_set), len(tested.test_set)) == (14, 2, 4)


def test_batch_schema(ready):
    module = ready("fit", modality="both", alphas=True)
    batch = next(iter(module.train_dataloader()))
    shapes = {key: tuple(v.shape) for key, v in batch.items() if isinstance(v, torch.Tensor)}
    assert shapes == {
        "event": (2, 8, 1, 16, 16),
        "rgb": (2, 8, 3, 16, 16),
        "frame_valid": (2, 8),
        "label": (2,),
        "alpha": (2, 8, 32),
        "alpha_valid": (2, 8),
    }
    assert batch["label"].dtype == torch.int64
    assert all(isinstance(name, str) for name in batch["user"] + batch["files"])


def test_evaluation_sees_every_clip_in_order(ready):
    module = ready("test")
    batches = list(module.test_dataloader())
    assert torch.cat([batch["label"] for batch in batches]).tolist() == [0, 1, 0, 1]
    assert [name for batch in batches for name in batch["user"]] == ["a", "a", "b", "b"]
    predicted = list(ready("predict").predict_dataloader())
    assert torch.equal(predicted[1]["event"], batches[1]["event"])


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_depend_on_epoch_but_not_on_workers(ready, workers):
    settings = {"sampling": "random-window", "num_frames": 3}
    loader = ready("fit", num_workers=workers, **settings).train_dataloader()
    reference = ready("fit", **settings).train_set
    seen = []
    for epoch in range(2):
        loader.batch_sampler.sampler.set_epoch(epoch)
        reference.set_epoch(epoch)
        samples = {each["files"]: each for each in (reference[i] for i in range(len(reference)))}
        for batch in loader:
            for clip, name in zip(batch["event"], batch["files"], strict=True):
                assert torch.equal(clip, samples[name]["event"])
            seen.append(batch["event"])
    assert not torch.equal(torch.cat(seen[:7]), torch.cat(seen[7:]))


def test_validation_on_the_test_users_as_published(ready):
    module = ready("fit", val_fraction=0.0)
    assert len(users(module.train_set)) == 8
    assert users(module.val_set) == ["a", "b"]


def test_every_user_is_tested_in_one_fold(ready):
    tested = [users(ready("test", fold=fold).test_set) for fold in range(5)]
    assert sorted(user for fold in tested for user in fold) == list(USERS)


def test_split_file_is_written_once_and_then_decides(ready, dataset, tmp_path):
    path = tmp_path / "split.json"
    written = ready("fit", split_file=str(path)).users
    assert json.loads(path.read_text())["test"] == ["b", "a"]
    dataset.clip("A", "AU_1")
    assert users(ready("test").test_set) != ["a", "b"]
    assert ready("test", split_file=str(path)).users == written


def test_alpha_statistics_are_those_of_the_training_clips(ready):
    module = ready("fit", alphas=True)
    tracks = [record.track for record in module.train_set.records]
    rows = np.concatenate([track.alphas[2:8][track.valid[2:8]] for track in tracks])
    np.testing.assert_allclose(module.alpha_mean, rows.mean(0), atol=1e-6)
    np.testing.assert_allclose(module.alpha_std, rows.std(0), rtol=1e-5)
    np.testing.assert_array_equal(ready("test", alphas=True).alpha_mean, module.alpha_mean)


def test_attributes_are_known_before_setup():
    module = FacemorphicDataModule(task="AU_HEAD")
    assert (module.num_classes, module.num_frames, module.image_size) == (6, 50, 224)
    assert module.class_names[0] == "AU_51"


def test_what_is_left_out_is_counted_in_one_line(ready, dataset, caplog):
    shutil.rmtree(dataset.folder("d") / "frames_1")
    (dataset.folder("e") / "event_frames_1/annotation.json").unlink()
    dataset.window(99999999, -1, "f")
    dataset.window(3, 4, "g")
    with caplog.at_level(logging.WARNING):
        module = ready("fit", modality="both")
    assert len(module.train_set) + len(module.val_set) == 13
    left_out, odd = (record.getMessage() for record in caplog.records)
    assert left_out.startswith("3 of 16 clips are left out: 1 without RGB frames (d/AU_1/1); ")
    assert "1 without an activity window (e/AU_1/1)" in left_out
    assert "1 marked as showing no activity (f/AU_1/1)" in left_out
    assert odd == "1 clips have no usable window and are taken whole (g/AU_1/1)"


def test_a_class_without_clips_is_said(ready, caplog):
    with caplog.at_level(logging.WARNING):
        ready("test", classes=["AU_1", "AU_12", "AU_56"])
    assert "the test users have no clip of AU_56" in caplog.text


def test_windows_from_a_list(ready, tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps({user: {"AU_12": {"event_frames_1": [4, 7]}} for user in USERS}))
    records = ready("fit", annotations=str(path)).train_set.records
    assert {(record.clip.action_unit, record.window) for record in records} == {("AU_12", (4, 7))}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no root", "data.root is not a folder"),
        ("no recordings", "recordings is not a folder"),
        ("no users", "holds no user folder"),
        ("no windows", "no clip of the 7 train users .* lightning-face data check"),
        ("empty picture", r"frame_3\.png cannot be read: the file is empty"),
        ("truncated picture", r"frame_3\.png cannot be read"),
        ("empty annotation", r"annotation\.json is not JSON"),
        ("empty alphas", r"alphas32_mediapipe\.npz cannot be read"),
        ("short alphas", "has 6 rows for 10 frames"),
        ("missing list", r"list\.json"),
        ("broken split", r"split\.json is not JSON"),
    ],
)
def test_setup_names_what_cannot_be_used(ready, dataset, tmp_path, damage, message):
    folder = dataset.folder("c")
    picture = folder / "event_frames_1/frame_3.png"
    settings = {"alphas": True}
    match damage:
        case "no root" | "no recordings":
            shutil.rmtree(dataset.root)
            if damage == "no recordings":
                dataset.root.mkdir()
        case "no users":
            shutil.rmtree(dataset.root)
            (dataset.root / "recordings/a").mkdir(parents=True)
        case "no windows":
            for path in dataset.root.rglob("annotation.json"):
                path.unlink()
        case "empty picture":
            picture.write_bytes(b"")
        case "truncated picture":
            picture.write_bytes(picture.read_bytes()[:60])
        case "empty annotation":
            dataset.window(user="c").write_text("")
        case "empty alphas":
            dataset.alphas("c").write_bytes(b"")
        case "short alphas":
            dataset.alphas("c", frames=6)
        case "missing list":
            settings["annotations"] = str(tmp_path / "list.json")
        case "broken split":
            settings["split_file"] = str(tmp_path / "split.json")
            (tmp_path / "split.json").write_text("{}")
    with pytest.raises(DataError, match=message) as caught:
        ready("fit", **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"shift_event": -1},
        {"shift_rgb": -2},
        {"val_fraction": 1.0},
        {"fold": 0, "split_file": "x.json"},
        {"classes": ["AU_99"]},
    ],
)
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(ConfigError, match=r"data\."):
        FacemorphicDataModule(**settings)


def test_bundled_sample_is_used_and_said_without_a_root(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    monkeypatch.setattr(
        FacemorphicDataModule,
        "write_sample",
        lambda self, root: write_sample(root, users=5, repetitions=1, size=24, num_frames=8),
    )
    classes = ["AU_1", "AU_12", "AU_27", "AU_43"]
    module = FacemorphicDataModule(
        classes=classes, num_frames=6, image_size=24, resize=24, batch_size=4, modality="both"
    )
    with caplog.at_level(logging.INFO):
        module.prepare_data()
    assert caplog.text.count("using the bundled synthetic sample") == 1
    module.setup("fit")
    assert next(iter(module.train_dataloader()))["rgb"].shape == (4, 6, 3, 24, 24)
    assert list((tmp_path / "clips").glob("train-event-*.clips"))
