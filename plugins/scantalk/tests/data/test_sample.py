"""The sample: the layout of the data sets, the same in every call."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import soundfile

from lightning_face.mesh import read_mesh
from lightning_face_scantalk.data.sample import SUBJECTS as ALL_SUBJECTS
from lightning_face_scantalk.data.sample import TOPOLOGIES as ALL_TOPOLOGIES
from lightning_face_scantalk.data.sample import write_sample
from lightning_face_scantalk.data.splits import SPLITS

VOCASET_SUBJECTS = (
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170811_03275_TA",
    "FaceTalk_170809_00138_TA",
)


def test_files_are_those_of_the_data_sets(written):
    names = {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    vocaset = {
        f"vocaset/{folder}/{subject}_sentence0{number}{suffix}"
        for folder, suffix in (("wav", ".wav"), ("vertices_npy", ".npy"))
        for subject in VOCASET_SUBJECTS
        for number in (1, 2)
    }
    assert vocaset | {
        "vocaset/wav/FaceTalk_170809_00138_TA_sentence40.wav",
        "vocaset/templates.pkl",
        "vocaset/flame_model/FLAME_sample.ply",
        "vocaset/FLAME_lips_idx.mat",
        "vocaset/upper_mask.npy",
    } == {name for name in names if name.startswith("vocaset/")}
    assert {"Biwi_6/wav/F1_e01.wav", "Biwi_6/vertices/F1_e01.npy"} <= names
    assert {"Biwi_6/templates/F1.obj", "Multiface/templates/20180227.ply"} <= names
    assert {f"{each}/mouth_indices.npy" for each in ("Biwi_6", "Multiface")} <= names


@pytest.mark.parametrize(
    ("folder", "name", "rate", "fps"),
    [
        ("vocaset", "FaceTalk_170725_00137_TA_sentence01", 22050, 60),
        ("Biwi_6", "F1_01", 16000, 25),
        ("Multiface", "20181017_SEN_vowels_01", 48000, 30),
    ],
)
def test_sound_and_vertices_last_equally_long(written, folder, name, rate, fps):
    info = soundfile.info(written / folder / "wav" / f"{name}.wav")
    vertices = np.load(next((written / folder).glob(f"vert*/{name}.npy")))
    assert info.samplerate == rate
    assert info.duration == pytest.approx(len(vertices) / fps, abs=1 / rate)
    assert vertices.ndim == (2 if folder == "vocaset" else 3)


def test_masks_of_vocaset_count_from_one_and_templates_are_a_pickle(written):
    folder = written / "vocaset"
    mesh = read_mesh(folder / "flame_model" / "FLAME_sample.ply")
    with (folder / "templates.pkl").open("rb") as file:
        templates = pickle.load(file, encoding="latin1")  # noqa: S301
    assert templates.keys() == set(VOCASET_SUBJECTS)
    assert {each.shape for each in templates.values()} == {mesh.vertices.shape}
    lips = scipy.io.loadmat(folder / "FLAME_lips_idx.mat")["lips_idx"]
    assert lips.dtype == np.uint16
    assert lips.shape[1] == 1
    assert lips.min() >= 1
    assert lips.max() <= len(mesh.vertices)


def test_sample_is_the_same_in_every_call_and_another_with_another_seed(tmp_path):
    topologies = {"BIWI": ALL_TOPOLOGIES["BIWI"]}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sample(tmp_path / name, topologies, {"BIWI": ("F1",)}, 1, 0.2, seed)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 7
    contents = {
        name: [(tmp_path / name / path).read_bytes() for path in files] for name in ("a", "b", "c")
    }
    assert contents["a"] == contents["b"]
    spoken = files.index(Path("Biwi_6/vertices/F1_01.npy"))
    assert contents["a"][spoken] != contents["c"][spoken]


def test_test_heads_and_their_topology_are_unseen_in_training():
    split = SPLITS["release"]
    parts = {
        part: {
            (name, subject)
            for name, subjects in ALL_SUBJECTS.items()
            for subject in subjects
            if subject in getattr(split[name], part)
        }
        for part in ("train", "validation", "test")
    }
    assert sum(map(len, parts.values())) == sum(map(len, ALL_SUBJECTS.values()))
    trained = {name for name, _ in parts["train"]}
    assert {name for name, _ in parts["validation"]} == trained == {"vocaset", "BIWI"}
    assert {name for name, _ in parts["test"]} - trained == {"multiface"}
    frequencies = [topology.frequency for topology in ALL_TOPOLOGIES.values()]
    assert len(set(frequencies)) == len(frequencies)
