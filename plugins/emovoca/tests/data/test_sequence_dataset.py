"""Whole emotional sequences as samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face_emovoca.data.folder_variants import FolderVariants
from lightning_face_emovoca.data.sequence_dataset import SequenceDataset

ACTOR = "FaceTalk_170725_00137_TA"


@pytest.mark.parametrize("dense", [False, True])
def test_a_sample_is_consistent(written, dense):
    source = FolderVariants(written, None, needs_vertices=True)
    variants = source.variants([ACTOR])
    dataset = SequenceDataset(source, variants, 11, 3, dense)
    assert len(dataset) == len(variants)
    sample, variant = dataset[4], variants[4]
    assert sample["landmarks"].shape == (variant.frames, 68, 3)
    landmarks = sample["landmarks"] + (sample["template_landmarks"] if dense else 0)
    norms = landmarks.square().sum(dim=(1, 2))
    torch.testing.assert_close(norms, torch.ones_like(norms))
    assert sample["template_landmarks"].square().sum() == pytest.approx(1, abs=1e-5)
    assert sample["emotion"].argmax() == variant.shares[0][0]
    assert sample["intensity"].argmax() == variant.intensity - 1
    assert sample["name"].startswith(f"{ACTOR}_{sample['sentence']}_")
    assert sample["label"] == variant.label
    assert f"{variant.name}.npy" in sample["files"]
    assert len(sample["waveform"]) / 16000 == pytest.approx(variant.frames / 60, abs=0.02)
    assert ("displacement" in sample) == dense
    if dense:
        heads = sample["template"] + sample["displacement"]
        stored = np.load(source.layout.variants_folder / "sequences" / f"{variant.name}.npy")
        np.testing.assert_allclose(heads.numpy(), stored, atol=1e-7)
    for value in sample.values():
        if isinstance(value, torch.Tensor):
            assert value.dtype == torch.float32
