"""The sample."""

from __future__ import annotations

import hashlib

import numpy as np

from lightning_face.audio import load_audio
from lightning_face.mesh import read_mesh
from lightning_face_emovoca.data import sample
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of
from lightning_face_emovoca.data.sample import sample_folder, write_sample
from lightning_face_emovoca.data.talking_sequences import read_templates
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.data.variant_name import VariantName
from lightning_face_emovoca.landmarks import normalize_landmarks


def digests(root) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_give_the_same_files(written, small, tmp_path):
    write_sample(tmp_path / "again", **small)
    assert digests(tmp_path / "again") == digests(written)
    write_sample(tmp_path / "other", **{**small, "sentences": 1}, seed=1)
    other, found = digests(tmp_path / "other"), digests(written)
    assert other.keys() < found.keys()
    assert not any(other[name] == found[name] for name in other if "EmoVOCA/seq" in name)


def test_everything_has_the_shape_of_the_published_files(written, small):
    layout = EmoVOCALayout(written)
    topology = TemplateFiles.read(layout.template_folder)
    count = topology.num_vertices
    templates = read_templates(layout.templates, count)
    assert set(templates) == set(small["actors"])
    assert len(topology.hierarchy.level_sizes) == 3
    assert np.load(layout.template_folder / "Normalized_d_weights.npy").shape == (count + 1,)
    for path in layout.talking_folder.iterdir():
        assert np.load(path).shape[1] == 3 * count
        assert load_audio(layout.talking_wav(path.stem), 22050).shape[0] > 0.35 * 22050
    names = [VariantName.parse(path) for path in (written / "Dataset/EmoVOCA/sequences").iterdir()]
    assert len(names) == 3 * 3 * 2 * 3
    assert {name.label for name in names} == {2, 3, 4}
    assert {name.intensity for name in names} == {1, 2, 3}


def test_emotional_sequences_are_speech_and_expression(written):
    layout = EmoVOCALayout(written)
    topology = TemplateFiles.read(layout.template_folder)
    template = read_templates(layout.templates, topology.num_vertices)
    for path in sorted((written / "Dataset/EmoVOCA/sequences").iterdir())[::7]:
        name = VariantName.parse(path)
        identity = identity_of(name.actor)
        apex = read_mesh(layout.condition(identity, name.emotion)).vertices
        expression = apex - read_mesh(layout.neutral(identity)).vertices
        talking = np.load(layout.talking(name.talking)).reshape(-1, *expression.shape)
        mixed = np.load(path)
        np.testing.assert_allclose(mixed, talking + name.intensity / 2 * expression, atol=2e-7)
        landmarks = normalize_landmarks(topology.embedding.landmarks_of(mixed.astype(np.float64)))
        np.testing.assert_allclose(np.load(layout.landmarks(name)), landmarks, atol=1e-5)
        assert layout.wav(name).read_bytes() == layout.talking_wav(name.talking).read_bytes()
        assert np.abs(talking[0] - template[name.actor]).max() < 1e-6


def test_expressions_grow_towards_their_apex(written):
    layout = EmoVOCALayout(written)
    still = read_mesh(layout.neutral("COMA_CH01")).vertices
    for emotion in EMOTIONS[2:5]:
        sizes = [
            np.linalg.norm(
                read_mesh(layout.condition("COMA_CH01", emotion, frame)).vertices - still
            )
            for frame in (10, 20, 30)
        ]
        np.testing.assert_allclose(np.array(sizes) / sizes[-1], [1 / 3, 2 / 3, 1], atol=1e-4)


def test_motion_can_be_told_from_the_sound(written):
    layout = EmoVOCALayout(written)
    topology = TemplateFiles.read(layout.template_folder)
    for path in sorted(layout.talking_folder.iterdir()):
        vertices = np.load(path)
        heads = vertices.reshape(len(vertices), -1, 3)
        points = topology.embedding.landmarks_of(heads)
        opening = np.linalg.norm(points[:, 62] - points[:, 66], axis=-1)
        sound = load_audio(layout.talking_wav(path.stem), 22050)
        blocks = np.array_split(sound, len(opening))
        loudness = [float(np.sqrt(np.mean(np.square(block)))) for block in blocks]
        assert np.corrcoef(opening, loudness)[0, 1] > 0.8


def test_sample_is_written_once_into_the_cache(cache, monkeypatch):
    monkeypatch.setattr(sample, "write_sample", lambda folder: (folder / "a").write_text("a"))
    monkeypatch.setattr(sample, "SAMPLE_VERSION", "once")
    first = sample_folder()
    assert first.parent == cache / "samples"
    monkeypatch.setattr(sample, "write_sample", lambda folder: (folder / "b").write_text("b"))
    assert sample_folder() == first
    assert [path.name for path in first.iterdir()] == ["a"]
