"""Landmarks with dense meshes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.data.landmark_displacements import (
    LandmarkDisplacementsDataModule,
    LandmarkFrames,
)


def ready(root, stage="fit", **settings) -> LandmarkDisplacementsDataModule:
    module = LandmarkDisplacementsDataModule(str(root), **settings)
    module.prepare_data()
    module.setup(stage)
    return module


def test_training_batches_are_frames_of_all_sequences(written):
    module = ready(written, batch_size=32)
    frames = module.parts["train"]
    assert isinstance(frames, LandmarkFrames)
    assert len(frames) == sum(variant.frames for variant in frames.variants)
    batch = next(iter(module.train_dataloader()))
    count = module.hierarchy.level_sizes[0]
    assert batch["landmarks"].shape == (32, 68, 3)
    assert batch["displacement"].shape == (32, count, 3)
    assert len(set(batch["files"])) == 32
    for value in (batch["landmarks"], batch["displacement"]):
        assert value.dtype == torch.float32


def test_frames_belong_together(written):
    module = ready(written)
    frames = module.parts["train"]
    first, second = frames.variants[:2]
    for index in (0, first.frames - 1, first.frames, first.frames + second.frames - 1):
        variant = first if index < first.frames else second
        frame = index if index < first.frames else index - first.frames
        sample = frames[index]
        stem = f"{variant.name}.npy"
        assert sample["files"].endswith(f", frame {frame}")
        assert stem in sample["files"]
        folder = written / "Dataset" / "EmoVOCA"
        head = np.load(folder / "sequences" / stem)[frame]
        still = frames.source.template(variant.actor)
        np.testing.assert_allclose(sample["displacement"] + still, head, atol=1e-7)
        landmarks = np.load(folder / "landmarks_sequences" / stem)[frame]
        points = frames.source.embedding.landmarks_of(still)
        points -= points.mean(axis=0)
        points /= np.linalg.norm(points)
        np.testing.assert_allclose(sample["landmarks"] + points, landmarks, atol=1e-6)


def test_evaluation_has_whole_sequences(written):
    module = ready(written, "test", batch_size=32)
    batches = list(module.test_dataloader())
    assert len(batches) == 18
    for batch in batches:
        assert len(batch["landmarks"]) == 1
        assert batch["landmarks"][0].shape[0] == batch["displacement"][0].shape[0]
    assert [batch["name"] for batch in module.predict_dataloader()] == [
        batch["name"] for batch in batches
    ]


def test_vertices_are_needed(root):
    for path in (root / "Dataset" / "EmoVOCA" / "sequences").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="sequences has no emotional sequence; get EmoVOCA"):
        ready(root)


def test_a_store_takes_the_place_of_a_folder(small_settings):
    build(replace(small_settings, storage="virtual"))
    split = {
        "train": ["FaceTalk_170725_00137_TA"],
        "validation": ["FaceTalk_170728_03272_TA"],
        "test": ["nobody"],
    }
    module = ready(small_settings.out, split=split, batch_size=8)
    batch = next(iter(module.train_dataloader()))
    assert batch["displacement"].shape == (8, module.hierarchy.level_sizes[0], 3)
    assert len(list(module.val_dataloader())) == 2 * 3 * 3
    with pytest.raises(DataError, match="no emotional sequence of the actors for test"):
        module.setup("test")
