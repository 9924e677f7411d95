"""The data module of sequences whose frames vary in structure, and its sample."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face.metrics.talking_head.chamfer import chamfer_distance
from lightning_face_scantalk.data.unregistered_heads import UnregisteredHeadsDataModule
from lightning_face_scantalk.data.unregistered_sample import write_unregistered_sample

TRAINED, TESTED = "FaceTalk_170725_00137_TA", "FaceTalk_170809_00138_TA"


def ready(root, stage="fit", **settings) -> UnregisteredHeadsDataModule:
    module = UnregisteredHeadsDataModule(str(root), num_eigenpairs=6, **settings)
    module.setup(stage)
    return module


def test_parts_are_those_of_the_published_experiments(written_scans):
    fitted = ready(written_scans)
    for part in ("train", "validation"):
        assert {each.subject for each in fitted.parts[part].recordings} == {TRAINED}
    tested = ready(written_scans, "test")
    assert {each.subject for each in tested.parts["test"].recordings} == {TESTED}


def test_batch_schema(written_scans):
    batch = next(iter(ready(written_scans, batch_size=2).train_dataloader()))
    for index in range(2):
        targets, faces = batch["targets"][index], batch["target_faces"][index]
        template, vertices = batch["template"][index], batch["vertices"][index]
        assert len(targets) == len(faces) == len(vertices)
        assert len({len(each) for each in targets}) > 1
        for points, triangles in zip(targets, faces, strict=True):
            assert points.dtype == torch.float32
            assert triangles.dtype == torch.int64
            assert 0 <= triangles.min() <= triangles.max() < len(points)
            assert (points != 0).any(dim=1).all()
        assert vertices.shape[1:] == template.shape
        assert len(batch["operators"][index].mass) == len(template)
        assert batch["lips"][index].max() < len(template)
        assert len(batch["upper_lip"][index]) > 0
        assert batch["fps"][index] == 30
        assert "wav" in batch["files"][index]


def test_truth_explains_the_targets_better_than_the_face_at_rest(written_scans):
    for sample in ready(written_scans, "test").parts["test"]:
        still = sample["template"].expand(len(sample["targets"]), -1, -1)
        true = chamfer_distance(sample["vertices"], sample["targets"]).mean()
        assert true < 0.9 * chamfer_distance(still, sample["targets"]).mean()


def test_bundled_sample_leaves_most_of_the_distance_to_learning(tmp_path):
    write_unregistered_sample(tmp_path, (TRAINED, TESTED), sentences=1)
    (sample,) = ready(tmp_path, "test").parts["test"]
    still = sample["template"].expand(len(sample["targets"]), -1, -1)
    true = chamfer_distance(sample["vertices"], sample["targets"]).mean()
    assert true < 0.5 * chamfer_distance(still, sample["targets"]).mean()


def test_sample_is_the_same_in_every_call(tmp_path):
    for name in ("a", "b"):
        write_unregistered_sample(tmp_path / name, (TRAINED,), 4, 1, 0.2)
    files = [path for path in (tmp_path / "a").rglob("*.*") if path.is_file()]
    assert len(files) == 8
    for path in files:
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == other.read_bytes()


def test_stride_and_frame_rate(written_scans):
    whole, half = ready(written_scans), ready(written_scans, stride=2, fps=15)
    one, other = whole.parts["train"][0], half.parts["train"][0]
    assert len(other["targets"]) == len(other["vertices"]) == -(-len(one["targets"]) // 2)
    assert torch.equal(other["targets"][1], one["targets"][2])
    assert torch.equal(other["vertices"], one["vertices"][::2])
    assert other["fps"] == 15


def test_truth_masks_and_lengths_may_be_absent(scans):
    for folder in ("registered_npy", "lips", "upper", "lengths_npy"):
        shutil.rmtree(scans / folder)
    module = ready(scans)
    sample = module.parts["train"][0]
    assert sample["vertices"] is None
    assert [len(sample[name]) for name in ("lips", "upper", "upper_lip", "lower_lip")] == [0] * 4
    batch = next(iter(module.train_dataloader()))
    assert batch["vertices"] == [None]


NAME = f"{TRAINED}_sentence01"


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (f"faces_npy/{NAME}.npy", None, "the faces of .* is missing"),
        (f"vertices_npy/{NAME}.npy", b"", "truncated: it is empty"),
        (f"wav/{NAME}.wav", b"", "empty"),
        (f"templates/{TRAINED}.ply", b"", "is empty"),
        (f"lips/{TRAINED}.npy", b"", "is empty"),
        (f"registered_npy/{NAME}.npy", b"", "is empty"),
    ],
)
def test_setup_names_missing_and_damaged_files(scans, path, content, message):
    (scans / path).unlink()
    if content is not None:
        (scans / path).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        ready(scans)
    assert str(scans / path) in str(caught.value)


def test_truth_of_another_length_is_named(scans):
    path = scans / "registered_npy" / f"{NAME}.npy"
    np.save(path, np.load(path)[:-1])
    with pytest.raises(DataError, match=rf"{NAME}\.npy has \d+ frames, but .* \d+"):
        ready(scans)


def test_a_part_without_sequences_is_named(scans):
    for path in scans.glob(f"wav/{TESTED}*"):
        path.unlink()
    ready(scans)
    with pytest.raises(DataError, match="no sequence is left for test"):
        ready(scans, "test")


@pytest.mark.parametrize("settings", [{"fps": 0}, {"stride": 0}])
def test_settings_that_cannot_be_are_refused(written_scans, settings):
    with pytest.raises(ConfigError, match=r"data\."):
        ready(written_scans, **settings)
