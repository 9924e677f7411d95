"""The data module: parts, batches, and one clear error for what cannot be used."""

from __future__ import annotations

import logging
import pickle
import shutil

import numpy as np
import pytest
import scipy.io
import torch
import yaml

from lightning_face.audio import load_audio, write_wav
from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import SurfaceOperators, read_mesh, write_mesh
from lightning_face_scantalk.data.sample import write_sample
from lightning_face_scantalk.data.talking_heads import TalkingHeadsDataModule


def ready(root, stage="fit", **settings) -> TalkingHeadsDataModule:
    module = TalkingHeadsDataModule(str(root), num_eigenpairs=6, **settings)
    module.setup(stage)
    return module


def subjects(dataset) -> set[str]:
    return {recording.subject for recording in dataset.recordings}


def test_parts_are_those_of_the_release(written):
    fitted, tested = ready(written), ready(written, "test")
    assert subjects(fitted.parts["train"]) == {"FaceTalk_170725_00137_TA", "F1"}
    assert subjects(fitted.parts["validation"]) == {"FaceTalk_170811_03275_TA", "F7"}
    assert subjects(tested.parts["test"]) == {"FaceTalk_170809_00138_TA", "M6", "20181017"}
    assert {part: len(each) for part, each in fitted.parts.items()} == {"train": 4, "validation": 4}
    assert set(ready(written, "validate").parts) == {"validation"}
    assert set(ready(written, "predict").parts) == {"test"}


def test_batch_schema(written, small_heads):
    module = ready(written, batch_size=4)
    batch = next(iter(module.train_dataloader()))
    assert {len(values) for values in batch.values()} == {4}
    for index in range(4):
        vertices, template = batch["vertices"][index], batch["template"][index]
        count = len(template)
        assert vertices.dtype == template.dtype == batch["waveform"][index].dtype == torch.float32
        assert vertices.shape[1:] == template.shape == (count, 3)
        assert batch["faces"][index].dtype == torch.int64
        assert batch["faces"][index].max() < count
        assert isinstance(batch["operators"][index], SurfaceOperators)
        assert batch["operators"][index].eigenbasis.shape == (count, 6)
        for mask in ("lips", "upper", "upper_lip", "lower_lip"):
            assert batch[mask][index].dtype == torch.int64
            assert 0 <= batch[mask][index].min() <= batch[mask][index].max() < count
        seconds = len(vertices) / batch["fps"][index]
        assert len(batch["waveform"][index]) / 16000 == pytest.approx(seconds, abs=0.02)
        assert batch["dataset"][index] in ("vocaset", "BIWI")
        assert batch["subject"][index] in batch["files"][index]
        assert ".wav with " in batch["files"][index]
        # the first frames are near the neutral head, in metres
        assert (vertices[0] - template).abs().max() < 0.02
    assert {len(each) for each in batch["template"]} == {
        len(topology.sphere().directions)
        for name, topology in small_heads.topologies.items()
        if name != "multiface"
    }


def test_vocaset_is_strided_to_30_frames_a_second(written):
    sample = ready(written, datasets=["vocaset"]).parts["train"][0]
    stored = np.load(sample["files"][1])
    assert stored.ndim == 2
    np.testing.assert_array_equal(
        sample["vertices"].numpy(), stored.reshape(len(stored), -1, 3)[::2]
    )
    assert sample["fps"] == 30


def test_training_is_shuffled_and_evaluation_in_order(written):
    module = ready(written)
    loader = module.train_dataloader()
    orders = []
    for epoch in range(3):
        loader.batch_sampler.sampler.set_epoch(epoch)
        orders.append([batch["files"][0] for batch in loader])
    assert len({tuple(order) for order in orders}) > 1
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    named = [batch["files"][0] for batch in module.val_dataloader()]
    assert [name.rpartition("/")[2] for name in named] == [
        "FaceTalk_170811_03275_TA_sentence01.npy",
        "FaceTalk_170811_03275_TA_sentence02.npy",
        "F7_01.npy",
        "F7_02.npy",
    ]


def test_workers_give_the_same_batches(written):
    module, working = ready(written), ready(written, num_workers=1)
    for one, other in zip(module.val_dataloader(), working.val_dataloader(), strict=True):
        assert one["files"] == other["files"]
        assert torch.equal(one["vertices"][0], other["vertices"][0])
        assert torch.equal(one["operators"][0].gradient_x, other["operators"][0].gradient_x)


def test_alternative_split_moves_two_subjects(root):
    folder = root / "Multiface"
    for path in [*folder.glob("*/20181017*")]:
        path.rename(path.with_name(path.name.replace("20181017", "20180105")))
    assert len(ready(root, "test", datasets=["multiface"]).parts["test"]) == 2
    module = ready(root, "validate", datasets=["multiface"], split="alternative")
    assert subjects(module.parts["validation"]) == {"20180105"}


def test_a_data_set_of_ones_own(root, tmp_path):
    description = {
        "name": "mine",
        "folder": "heads/Biwi_6",
        "fps": 5,
        "stride": 5,
        "templates": "templates/{subject}.obj",
        "faces": "templates/F7.obj",
        "lips": "mouth_indices.npy",
        "upper": "upper_indices.npy",
        "upper_lip": "one.npy",
        "lower_lip": "other.npy",
        "split": {"train": ["F1"], "validation": ["F7"], "test": ["M6"]},
    }
    for name, number in (("one", 3), ("other", 4)):
        np.save(root / "Biwi_6" / f"{name}.npy", np.array([number]))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(description))
    module = ready(root, datasets=["vocaset", str(path)])
    sample = module.parts["validation"][-1]
    assert (sample["dataset"], sample["subject"], sample["fps"]) == ("mine", "F7", 5)
    assert sample["upper_lip"].tolist() == [3]
    assert sample["lower_lip"].tolist() == [4]
    # emotional takes are something of BIWI
    assert len(module.parts["train"]) == 2 + 3


def test_operators_and_sounds_are_computed_once(root, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    module = TalkingHeadsDataModule(str(root), num_eigenpairs=6)
    with caplog.at_level(logging.INFO):
        module.prepare_data()
    assert caplog.text.count("surface operators computed: ") == 7
    assert "surface operators computed: 7 of at most 7" in caplog.text
    assert "of 7 heads: 7 computed, 0 kept from before" in caplog.text
    assert "vocaset: 1 of 7 recordings are left out: 1 without vertices" in caplog.text
    assert "BIWI: 1 of 7 recordings are left out: 1 emotional takes (F1_e01)" in caplog.text
    assert len(list((tmp_path / "cache/waveforms").iterdir())) == 14
    caplog.clear()
    with caplog.at_level(logging.INFO):
        TalkingHeadsDataModule(str(root), num_eigenpairs=6).prepare_data()
    assert "of 7 heads: 0 computed, 7 kept from before" in caplog.text


def test_counts_are_said(written, caplog):
    with caplog.at_level(logging.INFO):
        ready(written, "test")
    assert "test: 6 sequences (vocaset 2, BIWI 2, multiface 2)" in caplog.text


def test_bundled_sample_is_used_and_said_without_a_root(tmp_path, monkeypatch, caplog, small_heads):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    monkeypatch.setattr(
        TalkingHeadsDataModule,
        "write_sample",
        lambda self, root: write_sample(root, *small_heads, sentences=1, seconds=0.2),
    )
    module = TalkingHeadsDataModule(num_eigenpairs=4)
    with caplog.at_level(logging.INFO):
        module.prepare_data()
    assert caplog.text.count("using the bundled synthetic sample") == 1
    module.setup("fit")
    assert len(module.parts["train"]) == 2


WAV = "Biwi_6/wav/F1_01.wav"
NPY = "Biwi_6/vertices/F1_01.npy"
LIPS = "Biwi_6/mouth_indices.npy"
FACES = "Biwi_6/templates/F1.obj"
PICKLE = "vocaset/templates.pkl"
DAMAGES = {
    "no data set": ("Biwi_6", "BIWI is not there: .* get .* or leave BIWI out of data.datasets"),
    "no sounds": ("Biwi_6/wav", "the folder of sounds, is missing; get"),
    "no vertices": ("Biwi_6/vertices", "the folder of vertices, is missing; get"),
    "no faces": (FACES, "which has the faces of BIWI, is missing; get"),
    "no lips": (LIPS, "is missing; get"),
    "no pickle": (PICKLE, "is missing; get"),
    "no mat": ("vocaset/FLAME_lips_idx.mat", "is missing; get"),
    "no upper": ("vocaset/upper_mask.npy", "is missing; get"),
    "empty sound": (WAV, "is empty"),
    "truncated sound": (WAV, None),
    "short sound": (WAV, r"lasts 0\.10 s, but .*F1_01\.npy .* data\.max_missing_sound"),
    "empty vertices": (NPY, "truncated: it is empty"),
    "truncated vertices": (NPY, "is truncated"),
    "other vertices": (NPY, "but the template has .* vertices"),
    "no frames": (NPY, "has no frames"),
    "empty faces": (FACES, "is empty"),
    "damaged faces": (FACES, None),
    "other template": ("Biwi_6/templates/F7.obj", "vertices, the faces of .*F1.obj are for"),
    "lips out of range": (LIPS, "names vertex 99999"),
    "zero in mat": ("vocaset/FLAME_lips_idx.mat", "names vertex 0, .* counted from 1"),
    "empty pickle": (PICKLE, "is empty"),
    "other pickle": (PICKLE, "the entry 'a' is not an array"),
}


def damage_file(path, damage: str) -> None:
    match damage.split()[0]:
        case "no" if path.is_dir():
            shutil.rmtree(path)
        case "no" if damage != "no frames":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "short":
            write_wav(path, load_audio(path, 16000)[:1600], 16000)
        case "damaged":
            path.write_text("f 1 2 3\nv nothing\n")
        case _:
            change_content(path, damage)


def change_content(path, damage: str) -> None:
    match damage:
        case "other vertices":
            np.save(path, np.load(path)[:, 1:])
        case "no frames":
            np.save(path, np.load(path)[:0])
        case "other template":
            mesh = read_mesh(path)
            write_mesh(path, type(mesh)(mesh.vertices[:10], np.array([[0, 1, 2]])))
        case "lips out of range":
            np.save(path, np.append(np.load(path), 99999))
        case "zero in mat":
            lips = scipy.io.loadmat(path)["lips_idx"]
            scipy.io.savemat(path, {"lips_idx": lips - lips.min()})
        case "other pickle":
            path.write_bytes(pickle.dumps({"a": {1}}))


@pytest.mark.parametrize("damage", DAMAGES)
def test_setup_names_what_cannot_be_used(root, damage):
    name, message = DAMAGES[damage]
    damage_file(root / name, damage)
    with pytest.raises(DataError, match=message) as caught:
        ready(root)
    assert str(root / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_vertices_that_are_not_finite_are_named_when_they_are_read(root):
    path = root / NPY
    vertices = np.load(path)
    vertices[3, 0] = np.inf
    np.save(path, vertices)
    dataset = ready(root, datasets=["BIWI"]).parts["train"]
    with pytest.raises(DataError, match=r"F1_01\.npy: the vertices of frame 3 are not finite"):
        dataset[0]


def test_a_missing_template_leaves_its_sequences_out(root, caplog):
    (root / "Biwi_6/templates/M6.obj").unlink()
    module = TalkingHeadsDataModule(str(root), ["BIWI"], num_eigenpairs=6)
    with caplog.at_level(logging.WARNING):
        module.prepare_data()
    assert "2 of subjects without a template (M6_01, M6_02)" in caplog.text
    with pytest.raises(DataError, match=r"no sequence is left for test .*data check"):
        module.setup("test")


@pytest.mark.parametrize(
    "settings", [{"datasets": []}, {"datasets": ["voca"]}, {"max_missing_sound": -1.0}]
)
def test_settings_that_cannot_be_are_refused(written, settings):
    with pytest.raises(ConfigError, match=r"data\."):
        ready(written, **settings)


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.root is not a folder: .* get the data sets"):
        ready(tmp_path / "nothing")
