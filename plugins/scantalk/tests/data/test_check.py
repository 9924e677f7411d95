"""The check of the data finds each oddity, and nothing where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from lightning_face.data.check import CheckedDataModule
from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face_scantalk.data.check import check_talking_heads
from lightning_face_scantalk.data.talking_heads import TalkingHeadsDataModule


def whats(report, severity) -> list[str]:
    return [problem.what for problem in report.problems if problem.severity == severity]


@pytest.mark.parametrize("full", [False, True])
def test_the_sample_has_only_what_it_is_meant_to_have(written, full):
    report = check_talking_heads(written, full=full)
    assert not report.has_errors
    assert whats(report, "warning") == ["recordings left out: without vertices"]
    assert "recordings left out: emotional takes" in whats(report, "note")
    assert report.counts["vocaset: sequences"] == 6
    assert report.counts["BIWI: subjects"] == 3
    assert report.counts["multiface: vertices of a head"] > 160
    assert report.facts["vocaset: train"] == "2 sequences of 1 of 8 subjects"
    assert report.facts["multiface: sequences of each subject"] == ["20181017 2"]
    assert "F1_e01" in report.to_text()


def test_the_data_module_has_the_check(written):
    assert issubclass(TalkingHeadsDataModule, CheckedDataModule)
    assert TalkingHeadsDataModule.check(written).counts["BIWI: sequences"] == 6


def test_no_data_set_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="none of the folders vocaset, Biwi_6, Multiface; get"):
        check_talking_heads(tmp_path)


DAMAGES = {
    "short sound": "the sound is shorter than the vertices by more than 0.25 s",
    "missing sound": "vertices without a sound are not used",
    "long sound": "the sound is longer than the vertices by more than 0.25 s: it is stretched",
    "millimetres": "in size: metres are needed",
    "misplaced": "the first frame is more than 5 cm away from the template: align them",
    "not finite": "not finite",
    "wrong mask": "names vertex 99999",
    "wrong template": "M6.obj",
    "loose vertex": "1 vertices belong to no face",
    "no faces file": "which has the faces of BIWI, is missing",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_oddity_is_found(root, damage):
    folder = root / "Biwi_6"
    wav, npy = folder / "wav/F1_01.wav", folder / "vertices/F1_01.npy"
    template = folder / "templates/M6.obj"
    mesh = read_mesh(template)
    vertices = np.load(npy)
    match damage:
        case "short sound":
            samples, rate = soundfile.read(wav)
            soundfile.write(wav, samples[:1600], rate)
        case "long sound":
            samples, rate = soundfile.read(wav)
            soundfile.write(wav, np.tile(samples, 3), rate)
        case "missing sound":
            wav.unlink()
        case "millimetres":
            write_mesh(template, Mesh(1000 * mesh.vertices, mesh.faces))
        case "misplaced":
            np.save(npy, vertices + 0.1)
        case "not finite":
            vertices[0, 0] = np.nan
            np.save(npy, vertices)
        case "wrong mask":
            np.save(folder / "upper_indices.npy", np.array([99999]))
        case "wrong template":
            template.write_text("")
        case "loose vertex":
            faces = mesh.faces[(mesh.faces != 0).all(axis=1)]
            write_mesh(folder / "templates/F1.obj", Mesh(mesh.vertices, faces))
        case "no faces file":
            (folder / "templates/F1.obj").unlink()
    report = check_talking_heads(root)
    warned = damage in ("missing sound", "long sound", "loose vertex")
    found = whats(report, "warning" if warned else "error")
    assert any(DAMAGES[damage] in what for what in found)
    assert report.has_errors == (not warned)


def test_damage_in_later_frames_takes_a_full_check(root):
    path = root / "Multiface/vertices/20181017_SEN_vowels_01.npy"
    vertices = np.load(path)
    vertices[-1, 0] = np.nan
    np.save(path, vertices)
    assert not check_talking_heads(root).has_errors
    assert any(
        "not finite" in what for what in whats(check_talking_heads(root, full=True), "error")
    )
