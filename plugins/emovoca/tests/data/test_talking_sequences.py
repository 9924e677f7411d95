"""Sequences without emotion."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from lightning_face.audio import load_audio, write_wav
from lightning_face.errors import DataError
from lightning_face.mesh import read_mesh
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.talking_sequences import (
    check_duration,
    list_talking_sequences,
    read_displacements,
    read_templates,
)


@pytest.fixture
def layout(root) -> EmoVOCALayout:
    return EmoVOCALayout(root)


@pytest.fixture
def templates(layout):
    mesh = read_mesh(layout.template_folder / "template.obj")
    return read_templates(layout.templates, len(mesh.vertices))


def test_sequences_are_listed_in_order(layout, templates, small):
    listed = list_talking_sequences(layout, templates)
    assert [each.name for each in listed.used] == sorted(
        f"{actor}_sentence{number:02}" for actor in small["actors"] for number in (1, 2, 3)
    )
    assert not listed.left_out
    one = list_talking_sequences(layout, templates, small["actors"][:1])
    assert {each.actor for each in one.used} == {small["actors"][0]}
    assert len(one.left_out["of actors in no part of the split"]) == 2 * 3


def test_what_cannot_be_used_is_left_out_by_the_reason(layout, templates, small):
    names = [path.stem for path in sorted(layout.talking_folder.iterdir())]
    layout.talking_wav(names[0]).unlink()
    (layout.talking_folder / "nonsense.npy").write_bytes(b"")
    (layout.talking_folder / "stranger_sentence01.npy").write_bytes(b"")
    listed = list_talking_sequences(layout, templates)
    assert len(listed.used) == len(names) - 1
    assert listed.left_out == {
        "without a sound": [names[0]],
        "not named <actor>_<sentence>": ["nonsense"],
        "of actors without a neutral head": ["stranger_sentence01"],
    }


def test_missing_and_empty_folders_are_named(layout, templates):
    shutil.rmtree(layout.talking_folder)
    with pytest.raises(DataError, match=r"vertices_npy.*is missing; get VOCASET"):
        list_talking_sequences(layout, templates)
    layout.talking_folder.mkdir()
    with pytest.raises(DataError, match=r"vertices_npy holds no \.npy file; get VOCASET"):
        list_talking_sequences(layout, templates)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((4, 3)), r"shape \(4, 3\)"),
        (np.zeros((5, 3), dtype=complex), "complex"),
        (np.full((5, 3), np.nan), "not finite"),
    ],
)
def test_wrong_neutral_heads_are_named(tmp_path, value, message):
    path = tmp_path / "templates.pkl"
    path.write_bytes(pickle.dumps({"anna": value}))
    with pytest.raises(DataError, match=message) as caught:
        read_templates(path, 5)
    assert f"{path}: the head of anna" in str(caught.value)
    path.unlink()
    with pytest.raises(DataError, match=r"templates\.pkl, which has the neutral heads, is missing"):
        read_templates(path, 5)


@pytest.mark.parametrize("shape", [(6, 15), (6, 5, 3)])
@pytest.mark.parametrize("frames", [slice(None), slice(2, 5), slice(5, 6)])
def test_displacements_are_differences_in_double_precision(tmp_path, shape, frames):
    random = np.random.default_rng(0)
    template = 0.1 * random.standard_normal((5, 3))
    vertices = template + 1e-9 * random.standard_normal((6, 5, 3))
    np.save(tmp_path / "a.npy", vertices.reshape(shape))
    found = read_displacements(tmp_path / "a.npy", template, frames)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, (vertices - template).astype(np.float32)[frames])


def test_positions_that_are_not_finite_are_named_by_frame(tmp_path):
    vertices = np.zeros((6, 5, 3))
    vertices[4, 1, 2] = np.inf
    np.save(tmp_path / "a.npy", vertices)
    with pytest.raises(DataError, match=r"a\.npy: the vertices of frame 4 are not finite"):
        read_displacements(tmp_path / "a.npy", np.zeros((5, 3)), slice(2, 6))
    assert len(read_displacements(tmp_path / "a.npy", np.zeros((5, 3)), slice(0, 4))) == 4


def test_sound_has_to_last_as_long_as_the_sequence(layout):
    name = next(layout.talking_folder.iterdir()).stem
    wav, vertices = layout.talking_wav(name), layout.talking(name)
    frames = len(np.load(vertices))
    check_duration(vertices, frames, wav)
    write_wav(wav, load_audio(wav, 22050)[:2000], 22050)
    with pytest.raises(DataError, match=r"\.wav lasts 0\.09 s, but .*\.npy 0\.\d\d s") as caught:
        check_duration(vertices, frames, wav)
    assert str(wav) in str(caught.value)
