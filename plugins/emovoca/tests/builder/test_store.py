"""What a store gives back is what its inputs and its network say."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch

from lightning_face.errors import ConfigError, DataError, FaceError
from lightning_face.mesh import read_mesh
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.data.emotions import find_emotion
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of
from lightning_face_emovoca.data.talking_sequences import read_templates
from lightning_face_emovoca.landmarks import normalize_landmarks

ACTOR, SENTENCE = "FaceTalk_170728_03272_TA", "sentence02"


@pytest.fixture(params=["array", "virtual"])
def store(request):
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture(scope="session")
def layout(small_root):
    return EmoVOCALayout(small_root)


@pytest.fixture(scope="session")
def template(layout, array_store):
    return read_templates(layout.templates, array_store.index.num_vertices)[ACTOR]


@pytest.fixture(scope="session")
def talking(layout, template):
    vertices = np.load(layout.talking(f"{ACTOR}_{SENTENCE}")).reshape(-1, *template.shape)
    return (vertices.astype(np.float64) - template).astype(np.float32)


def displacement(layout, emotion):
    identity = identity_of(ACTOR)
    apex = read_mesh(layout.condition(identity, find_emotion(emotion))).vertices
    return (apex - read_mesh(layout.neutral(identity)).vertices).astype(np.float32)


@torch.inference_mode()
@pytest.mark.parametrize("intensity", [1.0, 2.5])
@pytest.mark.parametrize("emotion", ["Afraid", "Disgust"])
def test_motion_is_the_published_formula(store, layout, talking, emotion, intensity):
    expression = torch.from_numpy(displacement(layout, emotion))[None]
    expected = store.network.mix(torch.from_numpy(talking), expression, 2.0, intensity).numpy()
    found = store.sequence(ACTOR, SENTENCE, emotion, intensity)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=6e-7, rtol=0)


@torch.inference_mode()
def test_neutral_class_and_plain_speech(store, talking):
    rest = torch.zeros_like(torch.from_numpy(talking[:1]))
    for intensity in (1.0, 2.5):
        expected = store.network.mix(torch.from_numpy(talking), rest, 2.0, intensity).numpy()
        for found in (
            store.sequence(ACTOR, SENTENCE, "Neutral", intensity),
            store.plain(ACTOR, SENTENCE, intensity),
        ):
            np.testing.assert_allclose(found, expected, atol=6e-7, rtol=0)


@torch.inference_mode()
def test_mixture_adds_latents(store, layout, talking):
    both = [torch.from_numpy(displacement(layout, name)) for name in ("Afraid", "Disgust")]
    latent = store.network.encode_expression(torch.stack(both)).mean(dim=0, keepdim=True)
    speech = 2 * store.network.encode_talking(torch.from_numpy(talking))
    expected = store.network.decode(speech, 2.5 * latent).numpy()
    found = store.sequence(ACTOR, SENTENCE, "Both", 2.5)
    np.testing.assert_allclose(found, expected, atol=6e-7, rtol=0)


@pytest.mark.parametrize("frames", [slice(0, 1), slice(10, 20), slice(15, 17), slice(None, -1)])
def test_some_frames(store, frames):
    address = ACTOR, SENTENCE, "Disgust", 1.0
    for read in (store.sequence, store.landmarks):
        np.testing.assert_allclose(read(*address, frames), read(*address)[frames], atol=1e-7)
    np.testing.assert_allclose(
        store.plain(ACTOR, SENTENCE, frames=frames), store.plain(ACTOR, SENTENCE)[frames], atol=1e-7
    )


def test_landmarks_are_those_of_the_motion(store, template):
    vertices = template + store.sequence(ACTOR, SENTENCE, "Afraid", 2.5)
    expected = normalize_landmarks(store.embedding.landmarks_of(vertices))
    found = store.landmarks(ACTOR, SENTENCE, "Afraid", 2.5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_was_put_in(store, layout, template, talking):
    np.testing.assert_array_equal(store.template(ACTOR), template)
    np.testing.assert_array_equal(store.source(ACTOR, SENTENCE), talking)
    np.testing.assert_array_equal(store.source(ACTOR, SENTENCE, slice(3, 9)), talking[3:9])
    np.testing.assert_allclose(
        store.expression(ACTOR, "Disgust"), displacement(layout, "Disgust"), atol=1e-9
    )
    assert not store.expression(ACTOR, "Neutral").any()
    np.testing.assert_array_equal(
        store.faces, read_mesh(layout.template_folder / "template.obj").faces
    )
    assert store.hierarchy.level_sizes == store.network.tables.level_sizes
    landmarks = store.template_landmarks(ACTOR)
    np.testing.assert_allclose(np.square(landmarks).sum(), 1, atol=1e-5)


def test_sound_is_that_of_the_file(store, layout):
    expected, rate = soundfile.read(layout.talking_wav(f"{ACTOR}_{SENTENCE}"), dtype="float32")
    samples, found_rate = store.audio(ACTOR, SENTENCE)
    assert found_rate == rate
    np.testing.assert_array_equal(samples, expected)


def test_names(store):
    assert store.actors == ("FaceTalk_170725_00137_TA", ACTOR)
    assert [each.name for each in store.emotions] == ["Afraid", "Disgust", "Neutral", "Both"]
    assert [each.label for each in store.emotions] == [0, 1, 11, None]
    assert [each.name for each in store.sequences] == [
        f"{actor}/sentence{number:02}" for actor in store.actors for number in (1, 2)
    ]
    assert store.emotion_place("both") == store.emotion_place(3) == 3


def test_any_intensity_of_a_virtual_store(virtual_store):
    low, middle, high = (
        virtual_store.sequence(ACTOR, SENTENCE, "Afraid", each).astype(np.float64)
        for each in (1.0, 1.7, 2.5)
    )
    assert np.abs(middle - low).max() > 1e-6
    assert np.abs(middle - high).max() > 1e-6


def test_wrong_names(store):
    with pytest.raises(DataError, match="no sentence sentence09 of"):
        store.sequence(ACTOR, "sentence09", "Afraid", 1.0)
    with pytest.raises(DataError, match="no actor nobody"):
        store.template("nobody")
    with pytest.raises(ConfigError, match="no emotion 'Sad'; it has Afraid, Disgust"):
        store.sequence(ACTOR, SENTENCE, "Sad", 1.0)


def test_intensity_that_is_not_stored(array_store):
    with pytest.raises(ConfigError, match="no intensity 2; it has 1, "):
        array_store.sequence(ACTOR, SENTENCE, "Afraid", 2.0)


@pytest.fixture
def copy(array_store, tmp_path):
    shutil.copytree(array_store.path, tmp_path / "store.zarr")
    return tmp_path / "store.zarr"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: (path / "manifest.jsonl").unlink(), "is not finished"),
        (lambda path: (path / "zarr.json").unlink(), "is no store"),
        (lambda path: (path / "zarr.json").write_text("{"), "is damaged"),
        (lambda path: (path / "zarr.json").write_text('{"attributes": {}}'), "damaged or of no"),
    ],
)
def test_folder_that_is_no_finished_store(copy, spoil, message):
    spoil(copy)
    with pytest.raises(DataError, match=message):
        open_store(copy)


def test_store_of_another_version(copy):
    content = json.loads((copy / "zarr.json").read_text())
    content["attributes"]["schema_version"] = 99
    (copy / "zarr.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="version 99, this release reads version 1"):
        open_store(copy)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (f"motion/{ACTOR}/{SENTENCE}/c/0/0/0/0/0", "sequence"),
        (f"landmarks/{ACTOR}/{SENTENCE}/c/0/0/0/0/0", "landmarks"),
        (f"template/{ACTOR}/c/0/0", "landmarks_of_template"),
        ("generator.safetensors", "plain"),
        ("hierarchy.npz", "hierarchy"),
        ("topology/faces/zarr.json", "faces"),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_damaged_part(copy, name, read, damage):
    file = copy / name
    content = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        content[20::50] = bytes(255 - byte for byte in content[20::50])
        file.write_bytes(content)
    store = open_store(copy)
    reads = {
        "sequence": lambda: store.sequence(ACTOR, SENTENCE, "Afraid", 1.0),
        "landmarks": lambda: store.landmarks(ACTOR, SENTENCE, "Afraid", 1.0),
        "landmarks_of_template": lambda: store.template_landmarks(ACTOR),
        "plain": lambda: store.plain(ACTOR, SENTENCE),
        "faces": lambda: store.faces,
        "hierarchy": lambda: store.hierarchy,
    }
    with pytest.raises(FaceError, match=r"damaged|missing"):
        reads[read]()


def test_source_that_is_gone(copy, small_root, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(small_root, moved)
    content = json.loads((copy / "zarr.json").read_text())
    content["attributes"]["sources"] = str(moved)
    (copy / "zarr.json").write_text(json.dumps(content))
    store = open_store(copy)
    assert store.source(ACTOR, SENTENCE).any()
    store.source_file(ACTOR, SENTENCE).unlink()
    with pytest.raises(DataError, match="is missing"):
        store.source(ACTOR, SENTENCE)
