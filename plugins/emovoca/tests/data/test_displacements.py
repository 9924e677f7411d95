"""Talking heads and expressions for the double encoder."""

from __future__ import annotations

import shutil
from collections import Counter

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import read_mesh
from lightning_face_emovoca.data.displacements import DisplacementsDataModule
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of

EMOTIONS = ["angry", "sad", "happy"]


def ready(root, stage="fit", **settings) -> DisplacementsDataModule:
    settings = {"emotions": EMOTIONS, "batch_size": 16, **settings}
    module = DisplacementsDataModule(str(root), **settings)
    module.prepare_data()
    module.setup(stage)
    return module


def test_training_batches_have_as_many_expressions_as_talking_heads(written):
    module = ready(written)
    batch = next(iter(module.train_dataloader()))
    count = module.hierarchy.level_sizes[0]
    assert batch["talking"].shape == batch["expression"].shape == (16, count, 3)
    assert batch["emotion"].shape == (16,)
    assert set(batch["emotion"].tolist()) <= {2, 3, 4}
    layout = EmoVOCALayout(written)
    still = read_mesh(layout.neutral("COMA_CH01")).vertices
    for expression, files in zip(batch["expression"], batch["files"], strict=True):
        mesh = read_mesh(files.split(" with ")[1])
        np.testing.assert_allclose(expression, mesh.vertices - still, atol=1e-7)


def test_emotions_and_their_frames_are_drawn_evenly_and_anew_in_each_epoch(written):
    frames = ready(written).parts["train"]
    drawn = []
    for epoch in range(20):
        frames.set_epoch(epoch)
        drawn.append([frames[index]["files"].split("/")[-1] for index in range(len(frames))])
    counts = Counter(name for names in drawn for name in names)
    assert len(counts) == 3 * 3
    expected = sum(counts.values()) / 9
    assert all(0.7 < count / expected < 1.3 for count in counts.values())
    frames.set_epoch(1)
    assert frames[3]["files"].split("/")[-1] == drawn[1][3]
    assert drawn[0] != drawn[1]


def test_evaluation_mixes_sentences_with_expressions_of_the_same_person(written):
    module = ready(written, "test")
    batches = list(module.test_dataloader())
    assert len(batches) == 3
    layout = EmoVOCALayout(written)
    for batch in batches:
        (actor,), (name,) = batch["actor"], batch["name"]
        vertices = np.load(layout.talking(name)).reshape(-1, module.hierarchy.level_sizes[0], 3)
        heads = batch["talking"][0] + batch["template"][0]
        np.testing.assert_allclose(heads, vertices, atol=1e-7)
        assert batch["emotion"][0].tolist() == [2, 3, 4]
        identity = identity_of(actor)
        still = read_mesh(layout.neutral(identity)).vertices
        for emotion, expression in zip(module.emotions, batch["expression"][0], strict=True):
            apex = read_mesh(layout.condition(identity, emotion)).vertices
            np.testing.assert_allclose(expression, apex - still, atol=1e-7)
        assert torch.isfinite(batch["waveform"][0]).all()


def test_sentences_can_be_held_out_instead_of_actors(written, small):
    module = ready(written, held_out="sentences")
    module.setup("test")
    train = {each.name for each in module.parts["train"].sequences}
    other = [
        {each.name for each in module.parts[part].sequences} for part in ("validation", "test")
    ]
    assert {name.rpartition("_")[0] for name in train} == set(small["actors"])
    assert train | other[0] | other[1] == {
        f"{actor}_sentence{number:02}" for actor in small["actors"] for number in (1, 2, 3)
    }
    assert not train & other[0]
    assert not other[0] & other[1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("Dataset/vocaset/templates.pkl", "which has the neutral heads, is missing"),
        ("Dataset/vocaset/vertices_npy", "the folder of talking sequences, is missing"),
        ("New_Conditions/COMA_CH01/Sad1_30.ply", "an expression of COMA_CH01, is missing"),
        ("Dataset/Florence4D/COMA_CH06.ply", "the neutral mesh of COMA_CH06, is missing"),
        ("src/template", "the folder of mesh hierarchy and landmarks, is missing"),
    ],
)
def test_missing_files_are_named(root, damage, message):
    path = root / damage
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match=message) as caught:
        ready(root)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [0, 100, -8])
def test_damaged_sequences_are_named_at_setup(root, kept):
    path = EmoVOCALayout(root).talking("FaceTalk_170725_00137_TA_sentence02")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"is empty|truncated") as caught:
        ready(root)
    assert str(path) in str(caught.value)


def test_wrong_settings_are_refused(written):
    with pytest.raises(ConfigError, match="no emotion 'Smile1'"):
        ready(written, emotions=["Smile1"])
    with pytest.raises(DataError, match="Afraid_30"):
        ready(written, emotions=None)
    split = {"train": ["FaceTalk_170725_00137_TA"], "validation": ["b"], "test": ["c"]}
    with pytest.raises(DataError, match="no talking sequence is left for validation"):
        ready(written, split=split)
