"""A look at everything in a folder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.data.check import check_emovoca
from lightning_face_emovoca.data.emotions import find_emotion
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.variant_name import VariantName

NAME = VariantName.parse("FaceTalk_170725_00137_TA_sentence01_Smile2_1")


def errors(root, full=False) -> list[tuple[str, str]]:
    report = check_emovoca(root, full=full)
    return [(str(each.path), each.what) for each in report.problems if each.severity == "error"]


@pytest.mark.parametrize("full", [False, True])
def test_the_sample_counts_what_it_has(written, full):
    report = check_emovoca(written, full=full)
    assert report.counts["talking sequences"] == 9
    assert report.counts["emotional sequences"] == 54
    assert report.counts["expression meshes"] == 3 * 3 * 3
    assert report.facts["actors for train"] == "1 of 8"
    # the small sample has three of the eleven expressions
    assert {"is missing" in each.what for each in report.problems if each.severity == "error"} == {
        True
    }
    assert len([each for each in report.problems if each.severity == "error"]) == 3 * 8


@pytest.mark.parametrize("damage", ["truncated", "far", "not finite", "label", "units"])
def test_damages_are_found(root, damage):
    layout = EmoVOCALayout(root)
    before = errors(root, full=True)
    path = layout.talking(NAME.talking)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-5])
    elif damage == "far":
        np.save(path, np.load(path) + 1)
    elif damage == "not finite":
        vertices = np.load(path)
        vertices[-1, -1] = np.nan
        np.save(path, vertices)
    elif damage == "label":
        path = layout.label(NAME)
        np.save(path, np.array(7))
    else:
        path = layout.condition("COMA_CH01", find_emotion("sad"))
        mesh = read_mesh(path)
        write_mesh(path, Mesh(1000 * mesh.vertices, mesh.faces))
    found = [each for each in errors(root, full=True) if each not in before]
    assert len(found) == 1
    assert str(path) in " ".join(found[0])


def test_folders_without_anything_are_one_error(tmp_path):
    found = errors(tmp_path)
    assert len(found) == 1
    assert "mesh hierarchy and landmarks, is missing" in found[0][1]


def test_stores_are_counted(small_settings):
    build(replace(small_settings, storage="virtual"))
    report = check_emovoca(small_settings.out)
    assert report.counts["sentences"] == 4
    assert report.counts["variants of a sentence"] == 9
    assert not report.problems
    (small_settings.out / "manifest.jsonl").unlink()
    assert check_emovoca(small_settings.out).has_errors
