"""What the data modules have in common."""

from __future__ import annotations

import logging

import pytest

from lightning_face.data.check import CheckedDataModule
from lightning_face.errors import DataError
from lightning_face_emovoca.data import emotional_data_module
from lightning_face_emovoca.data.displacements import DisplacementsDataModule
from lightning_face_emovoca.data.emotional_speech import EmotionalSpeechDataModule
from lightning_face_emovoca.data.landmark_displacements import LandmarkDisplacementsDataModule
from lightning_face_emovoca.data.sample import write_sample

MODULES = [DisplacementsDataModule, EmotionalSpeechDataModule, LandmarkDisplacementsDataModule]


@pytest.mark.parametrize("kind", MODULES)
def test_no_root_means_the_sample_and_says_so(kind, small, monkeypatch, caplog):
    monkeypatch.setattr(kind, "sample_version", "test")
    monkeypatch.setattr(
        emotional_data_module, "write_sample", lambda root: write_sample(root, **small)
    )
    module = kind(emotions=["sad"]) if kind is DisplacementsDataModule else kind()
    with caplog.at_level(logging.INFO):
        module.prepare_data()
        module.setup("fit")
    assert f"using the bundled synthetic sample in {module.folder}" in caplog.text
    assert len(module.train_dataloader()) > 0
    assert issubclass(kind, CheckedDataModule)


@pytest.mark.parametrize("kind", MODULES)
def test_a_root_that_is_none_is_named(kind, tmp_path):
    with pytest.raises(DataError, match=r"data\.root is not a folder: .*nowhere; get VOCASET"):
        kind(str(tmp_path / "nowhere")).setup("fit")


@pytest.mark.parametrize("kind", MODULES)
def test_what_is_left_out_is_counted(kind, root, caplog):
    for folder in ("Dataset/EmoVOCA/sequences", "Dataset/vocaset/vertices_npy"):
        (root / folder / "stranger_sentence01_Sad1_1.npy").write_bytes(b"")
    settings = {"emotions": ["sad"]} if kind is DisplacementsDataModule else {}
    with caplog.at_level(logging.WARNING):
        kind(str(root), **settings).prepare_data()
    assert "sequences left out: 1 of actors without a neutral head (stranger_sen" in caplog.text
