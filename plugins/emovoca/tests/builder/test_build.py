"""Builds that go wrong say so in one line and lose nothing."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError, DataError, RunError, WeightsError
from lightning_face_emovoca.builder import frame_array
from lightning_face_emovoca.builder.build import Share, build
from lightning_face_emovoca.builder.envelope import Envelope
from lightning_face_emovoca.builder.generator import read_generator, write_generator
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.verification import VerificationSettings

FIRST, SECOND = "FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA"


@pytest.fixture
def settings(small_settings, small_root, tmp_path):
    """Settings of a build of sources that may be spoilt."""
    shutil.copytree(small_root, tmp_path / "root")
    return replace(small_settings, root=tmp_path / "root", emotions=["Afraid"], check=False)


@pytest.fixture
def layout(settings):
    return EmoVOCALayout(settings.root)


def lines(store: Path):
    return [json.loads(line) for line in (store / "manifest.jsonl").read_text().splitlines()]


def test_manifest_says_what_was_built(small_settings):
    report = build(small_settings)
    found = lines(small_settings.out)
    assert len(found) == 4
    for line in found:
        assert set(line["sources"]) == {"vertices", "sound"}
        assert len(line["unit"]) == 16
        assert np.shape(line["motion"]) == np.shape(line["largest"]) == (3, 3)
        assert "run" not in line
        assert len(line["checks"]["measures"]["values"]["displacement"]) == 3
    assert report.findings == [text for line in found for text in line["checks"]["findings"]]
    # a network that was never trained keeps no lips
    assert any("lips" in text for text in report.findings)


def test_provenance_says_what_it_was_built_of(settings):
    build(settings)
    found = json.loads((settings.out / "provenance.json").read_text())
    assert found["settings"]["talking_strength"] == 2
    names = set(found["inputs"])
    assert {"generator", "mesh hierarchy", "landmarks", "Dataset/vocaset/templates.pkl"} <= names
    assert "New_Conditions/COMA_CH01/Afraid_30.ply" in names
    assert found["inputs"]["Dataset/Florence4D/COMA_CH02.ply"]["bytes"] > 0
    assert "torch" in found["versions"]
    assert "research" in " ".join(found["licences"].values())
    assert "begun" not in found
    (record,) = (settings.out / "runs").glob("run.*.json")
    run = json.loads(record.read_text())
    assert {"begun", "command", "devices", "machine", "workers", "versions"} <= set(run)


def test_bytes_do_not_depend_on_where_the_store_is(settings, tmp_path):
    build(settings)
    other = replace(settings, out=tmp_path / "other" / "store.zarr")
    build(other)
    for name in ("zarr.json", "manifest.jsonl", "provenance.json", "hierarchy.npz"):
        assert (settings.out / name).read_bytes() == (other.out / name).read_bytes()


def test_full_disk(settings, monkeypatch):
    sizes = frame_array.flush
    count = 0

    def full(file):
        nonlocal count
        count += 1
        # in the third sentence
        if count > 45:
            raise OSError(errno.ENOSPC, "No space left on device", str(settings.out))
        sizes(file)

    with monkeypatch.context() as patch:
        patch.setattr(frame_array, "flush", full)
        with pytest.raises(RunError, match=r"No space left on device.*written stays.*--resume"):
            build(settings)
    assert not any((settings.out / ".partial").iterdir())
    report = build(settings, resume=True)
    assert 0 < report.found < 4
    assert report.found + report.built == 4


def test_folder_that_cannot_be_written(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/store\.zarr cannot be built further: Not a dir"):
        build(replace(settings, out=tmp_path / "file" / "store.zarr"))


def test_frames_that_are_not_finite_stop_only_their_sentence(settings, layout):
    file = layout.talking(f"{FIRST}_sentence02")
    vertices = np.load(file)
    whole = vertices.copy()
    vertices[17, 5] = np.nan
    np.save(file, vertices)
    with pytest.raises(DataError, match=r"sentence02\.npy: the vertices of frame 17 are not fin"):
        build(settings)
    np.save(file, whole)
    report = build(settings, resume=True)
    assert (report.built, report.found, report.missing) == (1, 3, 0)


def test_truncated_sequence_is_found_before_anything_is_written(settings, layout):
    file = layout.talking(f"{SECOND}_sentence01")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"sentence01\.npy .*truncated"):
        build(settings)
    assert not settings.out.exists()


def test_truncated_sound(settings, layout):
    file = layout.talking_wav(f"{SECOND}_sentence01")
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"sentence01\.wav.*all other sentences are built"):
        build(settings)
    assert len(list((settings.out / "runs").glob("manifest*"))) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Dataset/vocaset/templates.pkl", "templates.pkl.*is missing"),
        ("Dataset/Florence4D/COMA_CH02.ply", "COMA_CH02.ply.*is missing; get"),
        ("New_Conditions/COMA_CH01/Afraid_30.ply", "Afraid_30.ply.*is missing; get"),
        ("src/template/downsampling_matrices.pkl", "downsampling_matrices.pkl"),
        ("src/template/flame_static_embedding.pkl", "flame_static_embedding.pkl"),
    ],
)
def test_missing_input(settings, name, message):
    (settings.root / name).unlink()
    with pytest.raises(DataError, match=message):
        build(settings)
    assert not settings.out.exists()


def test_mean_of_the_expressions_stands_in_for_a_neutral_face(settings):
    shutil.rmtree(settings.root / "Dataset/Florence4D")
    build(replace(settings, expression_neutral="mean"))
    store = open_store(settings.out)
    assert np.abs(store.expression(FIRST, "Afraid")).max() > 1e-3


def test_missing_generator(settings):
    with pytest.raises(WeightsError, match="there is no such file; give a checkpoint"):
        build(replace(settings, generator=Path("nowhere.ckpt")))


def test_generator_of_another_hierarchy(settings, tmp_path):
    generator = read_generator(settings.generator)
    generator.network.tables.kept_0[3] += 1
    write_generator(tmp_path / "other.safetensors", generator)
    with pytest.raises(ConfigError, match="belongs to another mesh hierarchy than"):
        build(replace(settings, generator=tmp_path / "other.safetensors"))


def test_generator_that_is_not_finite(settings, tmp_path):
    generator = read_generator(settings.generator)
    with torch.no_grad():
        generator.network.dconv[-1].conv.bias[0] = np.nan
    write_generator(tmp_path / "broken.safetensors", generator)
    with pytest.raises(DataError, match=r"Afraid at 1: what the generator makes is not finite"):
        build(replace(settings, generator=tmp_path / "broken.safetensors"))


def test_motion_beyond_the_range_gets_coarser_steps(settings, tmp_path):
    generator = read_generator(settings.generator)
    with torch.no_grad():
        generator.network.dconv[-1].conv.bias[0] += 0.1
    write_generator(tmp_path / "far.safetensors", generator)
    far = replace(settings, generator=tmp_path / "far.safetensors")
    build(far)
    virtual = replace(far, out=tmp_path / "virtual.zarr", storage="virtual")
    build(virtual)
    assert {line["step"] for line in lines(far.out)} == {4e-6}
    address = FIRST, "sentence01", "Afraid", 2.0
    stored = open_store(far.out).sequence(*address)
    np.testing.assert_allclose(
        stored, open_store(virtual.out).sequence(*address), atol=2.1e-6, rtol=0
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"talking_strength": 1.5}, "the setting talking_strength"),
        ({"intensities": [1.0, 2.0]}, "the setting intensities"),
        ({"storage": "virtual"}, "the setting storage"),
        ({"donors": {FIRST: "COMA_CH02"}}, "the setting donors"),
        ({"sentences": ["sentence01"]}, "the setting sentences, the sentence F"),
    ],
)
def test_other_settings_need_another_folder(settings, change, message):
    build(settings)
    before = (settings.out / "zarr.json").read_bytes()
    with pytest.raises(DataError, match=f"changed since then {message}"):
        build(replace(settings, **change), resume=True)
    assert (settings.out / "zarr.json").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        f"Dataset/vocaset/vertices_npy/{FIRST}_sentence01.npy",
        f"Dataset/vocaset/wav/{SECOND}_sentence02.wav",
        "New_Conditions/COMA_CH02/Afraid_30.ply",
        "Dataset/Florence4D/COMA_CH01.ply",
    ],
)
def test_changed_input_is_named(settings, name):
    build(settings)
    file = settings.root / name
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"changed since then .*{Path(name).name}"):
        build(settings, resume=True)


def test_sentence_whose_arrays_were_lost_is_built_again(settings):
    build(settings)
    lost = settings.out / "motion" / FIRST / "sentence02"
    before = (lost / "c/0/0/0/0/0").read_bytes()
    shutil.rmtree(lost)
    report = build(settings, resume=True)
    assert (report.built, report.found) == (1, 3)
    assert (lost / "c/0/0/0/0/0").read_bytes() == before


def test_shards_share_the_sentences_out():
    units = list(range(10))
    parts = [Share(number, 3).of(units) for number in (1, 2, 3)]
    assert sorted(unit for part in parts for unit in part) == units
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("storage", ["array", "virtual"])
def test_extensions(settings, tmp_path, storage):
    """Envelopes, expressions in motion, regions and other people's expressions."""
    plain = replace(settings, storage=storage)
    build(plain)
    num_vertices = open_store(plain.out).index.num_vertices
    region = np.zeros(num_vertices, np.float32)
    region[: num_vertices // 2] = 1
    np.save(tmp_path / "region.npy", region)
    extended = replace(
        plain,
        out=tmp_path / "extended.zarr",
        envelope=Envelope(attack=0.1, release=0.1),
        expression_motion="sequence",
        region=tmp_path / "region.npy",
        donors={FIRST: "COMA_CH02"},
    )
    build(extended)
    before, after = open_store(plain.out), open_store(extended.out)
    assert after.index.actors == {FIRST: "COMA_CH02", SECOND: "COMA_CH02"}
    np.testing.assert_array_equal(
        after.expression(FIRST, "Afraid"), before.expression(SECOND, "Afraid")
    )
    address = FIRST, "sentence01"
    found, speech = after.sequence(*address, "Afraid", 2.0), after.plain(*address)
    rest = num_vertices // 2
    np.testing.assert_allclose(found[:, rest:], speech[:, rest:], atol=6e-7, rtol=0)
    assert np.abs(found[10:20, :rest] - speech[10:20, :rest]).max() > 2e-6
    latents = after.decoder(FIRST)
    assert latents is after.decoder(FIRST)
    frames = slice(12, 14)
    np.testing.assert_allclose(
        after.sequence(*address, "Afraid", 2.0, frames), found[frames], atol=1e-7
    )


def test_limits_of_the_checks_are_settings(small_settings):
    strict = replace(
        small_settings,
        emotions=["Afraid"],
        actors=[FIRST],
        sentences=["sentence01"],
        verification=VerificationSettings(displacement=1e-6),
    )
    assert any("displacement" in text for text in build(strict).findings)
