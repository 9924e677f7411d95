"""Emotional sequences of a folder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from lightning_face.audio import load_audio, normalize_waveform, write_wav
from lightning_face.errors import DataError
from lightning_face_emovoca.data.folder_variants import FolderVariants
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.variant_name import VariantName

ACTOR = "FaceTalk_170725_00137_TA"


@pytest.fixture
def layout(root) -> EmoVOCALayout:
    return EmoVOCALayout(root)


def open_folder(layout, needs_vertices=True) -> FolderVariants:
    return FolderVariants(layout.root, None, needs_vertices)


@pytest.fixture
def name(layout) -> VariantName:
    folder = layout.variants_folder / "sequences"
    return min(VariantName.parse(path) for path in folder.iterdir())


def test_variants_have_what_their_files_have(layout, name):
    source = open_folder(layout)
    variants = source.variants([ACTOR])
    assert [each.name for each in variants] == sorted(each.name for each in variants)
    assert len(variants) == 3 * 2 * 3
    variant = variants[0]
    assert variant.name == str(name)
    vertices = np.load(layout.sequence(name))
    assert variant.frames == len(vertices)
    moved = source.displacement(variant, slice(3, 7))
    np.testing.assert_array_equal(
        moved, (vertices[3:7].astype(np.float64) - source.template(ACTOR)).astype(np.float32)
    )
    expected = np.load(layout.landmarks(name))
    np.testing.assert_array_equal(source.landmarks(variant, slice(None)), expected)
    waveform = normalize_waveform(load_audio(layout.wav(name), 16000))
    np.testing.assert_array_equal(source.waveform(variant), waveform)
    assert all(str(name) in file or name.talking in file for file in source.files(variant))
    assert not source.left_out


def test_landmarks_that_are_not_there_are_computed(layout, name):
    given = np.load(layout.landmarks(name))
    shutil.rmtree(layout.variants_folder / "landmarks_sequences")
    source = open_folder(layout)
    found = source.landmarks(source.variants([ACTOR])[0], slice(None))
    np.testing.assert_allclose(found, given, atol=1e-6)


def test_landmarks_do_without_vertices_and_may_be_flat(layout, name):
    given = np.load(layout.landmarks(name))
    np.save(layout.landmarks(name), given.reshape(len(given), -1))
    shutil.rmtree(layout.variants_folder / "sequences")
    source = open_folder(layout, needs_vertices=False)
    variant = source.variants([ACTOR])[0]
    assert variant.frames == len(given)
    np.testing.assert_array_equal(source.landmarks(variant, slice(1, 3)), given[1:3])
    with pytest.raises(DataError, match="sequences, the folder of emotional sequences, is missing"):
        _ = open_folder(layout).names


def test_own_copy_of_the_sound_is_read_where_there_is_no_other(layout, name):
    shutil.rmtree(layout.talking_wav("a").parent)
    source = open_folder(layout)
    variant = source.variants([ACTOR])[0]
    assert str(layout.wav(name)) in source.files(variant)
    assert len(source.waveform(variant)) > 5000


def test_what_cannot_be_used_is_left_out_by_the_reason(layout):
    folder = layout.variants_folder / "sequences"
    for stem in ("stranger_sentence01_Sad1_1", f"{ACTOR}_sentence01_Happy_1", "nonsense"):
        (folder / f"{stem}.npy").write_bytes(b"")
    source = open_folder(layout)
    assert len(source.names) == 3 * 3 * 2 * 3
    assert source.left_out == {
        "of actors without a neutral head": ["stranger_sentence01_Sad1_1"],
        "not named by emotion and intensity": [f"{ACTOR}_sentence01_Happy_1", "nonsense"],
    }


def spoil(layout: EmoVOCALayout, name: VariantName, damage: str):
    """Damage a file of a sequence and return its path."""
    part, what = damage.split(": ")
    path = getattr(layout, part)(name)
    if what == "missing":
        path.unlink()
        if part == "wav":
            layout.talking_wav(name.talking).unlink()
    elif what in ("empty", "truncated"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2 if what == "truncated" else 0])
    elif what == "other":
        np.save(path, np.array(9))
    elif what == "short":
        path = layout.talking_wav(name.talking)
        write_wav(path, load_audio(path, 22050)[:900], 22050)
    elif what == "frames":
        np.save(path, np.load(path)[:-1])
    elif what == "shape":
        np.save(path, np.load(path)[:, 1:])
    elif what == "not finite":
        np.save(path, np.load(path) * np.nan)
    return path


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("sequence: empty", "is empty"),
        ("sequence: truncated", "truncated"),
        ("sequence: shape", "but the template has"),
        ("landmarks: empty", "is empty"),
        ("landmarks: truncated", "truncated"),
        ("landmarks: shape", r"\(frames, 68, 3\) or \(frames, 204\) is needed"),
        ("landmarks: frames", r"has \d+ frames, but .* has"),
        ("label: missing", "was not written to its end"),
        ("label: other", "holds .*9.*, its name says"),
        ("intensity: missing", "was not written to its end"),
        ("intensity: other", "holds .*9.*, its name says"),
        ("intensity: empty", "is empty"),
        ("wav: missing", "the sound of .* is missing"),
        ("wav: short", "lasts 0.04 s, but"),
    ],
)
def test_files_that_cannot_be_used_are_named(layout, name, damage, message):
    path = spoil(layout, name, damage)
    with pytest.raises(DataError, match=message) as caught:
        open_folder(layout).variants([ACTOR])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["sequence", "landmarks"])
def test_content_that_is_not_finite_is_named_when_it_is_read(layout, name, part):
    path = spoil(layout, name, f"{part}: not finite")
    source = open_folder(layout)
    variant = source.variants([ACTOR])[0]
    read = source.displacement if part == "sequence" else source.landmarks
    with pytest.raises(DataError, match="not finite") as caught:
        read(variant, slice(None))
    assert str(path) in str(caught.value)
