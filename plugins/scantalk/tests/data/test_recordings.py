"""Which recordings are used."""

from __future__ import annotations

import shutil

import pytest

from lightning_face.errors import DataError
from lightning_face_scantalk.data.layout import LAYOUTS
from lightning_face_scantalk.data.recordings import data_folder, list_recordings


def listed(root, name, subjects=None, has_template=lambda subject: True):
    layout = LAYOUTS[name]
    if subjects is None:
        subjects = layout.subjects("release").subjects
    return list_recordings(root / layout.folder, layout, subjects, has_template)


def test_sounds_pair_with_vertices_of_their_name(written):
    found = listed(written, "vocaset")
    assert len(found.used) == 6
    assert [each.name for each in found.used] == sorted(each.name for each in found.used)
    assert all(each.wav.stem == each.vertices.stem == each.name for each in found.used)
    assert found.left_out == {"without vertices": ["FaceTalk_170809_00138_TA_sentence40"]}
    assert {(each.fps, each.stride) for each in found.used} == {(30, 2)}


def test_emotional_takes_are_left_out(written):
    assert listed(written, "BIWI").left_out == {"emotional takes": ["F1_e01"]}


def test_subjects_without_a_part_or_a_template_are_left_out(written):
    found = listed(written, "BIWI", ("F1", "M6"), lambda subject: subject == "F1")
    assert [each.name for each in found.used] == ["F1_01", "F1_02"]
    assert found.left_out["of subjects in no part of the split"] == ["F7_01", "F7_02"]
    assert found.left_out["of subjects without a template"] == ["M6_01", "M6_02"]


@pytest.mark.parametrize("stored", ["20181017_SEN_waves.npy", "20181017_SEN_npyes.npy"])
def test_names_with_wav_inside(root, stored):
    folder = root / "Multiface"
    shutil.copy(folder / "wav/20181017_SEN_vowels_01.wav", folder / "wav/20181017_SEN_waves.wav")
    source = folder / "vertices/20181017_SEN_vowels_01.npy"
    # "waves" becomes "npyes" only where every "wav" is replaced
    source.rename(folder / "vertices" / stored)
    used = {each.name: each.vertices.name for each in listed(root, "multiface").used}
    assert used["20181017_SEN_waves"] == stored


def test_hidden_files_of_other_systems_are_not_read(root):
    (root / "BIWI").mkdir()
    (root / "Biwi_6/wav/._F1_01.wav").write_bytes(b"x")
    (root / "Biwi_6/wav/notes.txt").write_text("x")
    assert len(listed(root, "BIWI").used) == 6


@pytest.mark.parametrize("folder", ["wav", "vertices"])
def test_missing_folders_are_named(root, folder):
    shutil.rmtree(root / "Biwi_6" / folder)
    with pytest.raises(DataError, match=rf"Biwi_6/{folder}, the folder of .* is missing; get"):
        listed(root, "BIWI")


def test_a_folder_without_sounds_and_a_missing_data_set_are_named(root):
    shutil.rmtree(root / "Biwi_6/wav")
    (root / "Biwi_6/wav").mkdir()
    with pytest.raises(DataError, match=r"holds no \.wav file"):
        listed(root, "BIWI")
    shutil.rmtree(root / "Biwi_6")
    with pytest.raises(DataError, match=r"BIWI is not there: .*or leave BIWI out"):
        data_folder(root, LAYOUTS["BIWI"])
