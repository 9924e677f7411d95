"""Speech with landmarks."""

from __future__ import annotations

import shutil

import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_emovoca.data.emotional_speech import EmotionalSpeechDataModule


def ready(root, stage="fit", **settings) -> EmotionalSpeechDataModule:
    module = EmotionalSpeechDataModule(str(root), **settings)
    module.prepare_data()
    module.setup(stage)
    return module


@pytest.mark.parametrize("batch_size", [1, 4])
def test_training_batches_are_lists_of_sequences(written, batch_size):
    module = ready(written, batch_size=batch_size)
    batches = list(module.train_dataloader())
    assert len(batches) == 18 // batch_size
    for batch in batches:
        assert {len(values) for values in batch.values()} == {batch_size}
        for landmarks, waveform in zip(batch["landmarks"], batch["waveform"], strict=True):
            assert landmarks.shape[1:] == (68, 3)
            assert waveform.ndim == 1
    assert module.hierarchy.level_sizes[0] == len(batch["template"][0])
    assert module.faces.shape[1] == 3
    assert len(module.embedding) == 68


def test_evaluation_goes_through_each_sequence_once(written):
    module = ready(written, "test")
    names = [name for batch in module.test_dataloader() for name in batch["name"]]
    assert len(names) == len(set(names)) == 18
    assert {name.rsplit("_", 3)[0] for name in names} == {"FaceTalk_170809_00138_TA"}


def test_order_depends_on_the_seed_alone(written):
    orders = [
        [batch["name"][0] for batch in ready(written, seed=seed).train_dataloader()]
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_vertices_are_not_needed(root):
    shutil.rmtree(root / "Dataset" / "EmoVOCA" / "sequences")
    batch = next(iter(ready(root).train_dataloader()))
    assert torch.isfinite(batch["landmarks"][0]).all()


def test_folders_without_sequences_are_named(root):
    shutil.rmtree(root / "Dataset" / "EmoVOCA")
    with pytest.raises(DataError, match="folder of emotional sequences, is missing; get EmoVOCA"):
        ready(root)
