"""Stores that are sound, and stores spoilt on purpose."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import zarr

from lightning_face.checkpoint.digest import file_digest
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.verification import VerificationSettings, summarize
from lightning_face_emovoca.verification.store_check import check_store

SETTINGS = VerificationSettings()


def shard(path, place="0/0"):
    """The file of a variant of the first sentence of the first actor."""
    actor = min((path / "motion").glob("Face*"))
    return min(actor.glob("sentence*")) / f"c/{place}/0/0/0"


def rewrite_hashes(store):
    """Note the hashes of whatever is there, as one would who spoils a store with care."""
    file = store.path / "manifest.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        for row in range(len(line["motion"])):
            for column in range(len(line["motion"][row])):
                name = f"{line['actor']}/{line['sentence']}/c/{row}/{column}/0/0/0"
                line["motion"][row][column] = file_digest(store.path / "motion" / name)
    file.write_text("".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines))


def kinds(check):
    return {finding.kind for finding in check.findings}


def test_a_sound_store_passes(sound_path, open_sound):
    check = check_store(open_sound(sound_path), SETTINGS)
    assert [str(each) for each in check.findings] == []
    assert len(check.units) == 4
    assert check.without_source == []


def swap(path):
    first, second = shard(path, "0/1"), shard(path, "1/1")
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def duplicate(path):
    shutil.copy(shard(path, "0/1"), shard(path, "0/2"))


def flip(path):
    content = bytearray(shard(path, "1/2").read_bytes())
    content[len(content) // 3] ^= 0xFF
    shard(path, "1/2").write_bytes(bytes(content))


def lose_variant(path):
    shard(path, "1/2").unlink()


def lose_array(path):
    shutil.rmtree(min(min((path / "motion").glob("Face*")).glob("sentence*")))


def lose_expression(path):
    shutil.rmtree(min((path / "expression").glob("Face*")))


def spoil_landmarks(path):
    folder = min(min((path / "landmarks").glob("Face*")).glob("sentence*"))
    array = zarr.open_array(str(folder), mode="r+")
    values = array[...]
    values[1, 2, 18, 30] = np.nan
    array[...] = values


def lose_sources(path):
    attributes = json.loads((path / "zarr.json").read_text())
    lost = path.parent / "nowhere"
    attributes["attributes"]["sources"] = str(lost)
    (path / "zarr.json").write_text(json.dumps(attributes))


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (swap, "changed", ["[Afraid, 2]", "other bytes than the manifest says"]),
        (swap, "expression: direction", ["[Afraid, 2]"]),
        (duplicate, "changed", ["[Afraid, 3]"]),
        (duplicate, "duplicate", ["[Afraid, 3]", "is the same as motion/", "[Afraid, 2]"]),
        (duplicate, "expression: growth", ["[Afraid, 3]"]),
        (flip, "changed", ["[Disgust, 3]"]),
        (flip, "unreadable", ["[Disgust, 3] frame ", "is damaged"]),
        (lose_variant, "missing", ["[Disgust, 3]", "is not there"]),
        (lose_variant, "unreadable", ["[Disgust, 3] frame 0"]),
        (lose_array, "missing", ["[Afraid, 1]"]),
        (lose_array, "unreadable", ["[Afraid, 1] frame 0", "is missing"]),
        (lose_expression, "unreadable", ["expression/", "is missing"]),
        (spoil_landmarks, "landmarks: distance", ["landmarks/", "[Disgust, 3] frame 18"]),
    ],
)
def test_a_spoilt_store_fails_with_the_reason(sound_path, open_sound, spoil, kind, words):
    spoil(sound_path)
    check = check_store(open_sound(sound_path), SETTINGS)
    found = [str(finding) for finding in check.findings if finding.kind == kind]
    assert any(all(word in text for word in words) for text in found), summarize(check.findings)


def test_a_swap_that_hides_its_traces_is_told_by_what_it_shows(sound_path, open_sound):
    swap(sound_path)
    store = open_sound(sound_path)
    rewrite_hashes(store)
    found = kinds(check_store(open_sound(sound_path), SETTINGS))
    assert "changed" not in found
    assert "expression: direction" in found


def relabel(attributes):
    first, second, *_ = attributes["emotions"]
    first["name"], second["name"] = second["name"], first["name"]
    first["file_name"], second["file_name"] = second["file_name"], first["file_name"]


def reorder(attributes):
    attributes["emotions"][:2] = attributes["emotions"][1::-1]


def share_identity(attributes):
    # of an actor who trains and one who is tested
    attributes["actors"] = dict.fromkeys(
        ["FaceTalk_170725_00137_TA", "FaceTalk_170809_00138_TA"], "COMA_CH01"
    )


@pytest.mark.parametrize(
    ("edit", "kind", "words"),
    [
        (relabel, "labels", "emotion 0 (Disgust) has the number 0, which is Afraid (Afraid)"),
        (reorder, "labels", "emotion 1 (Afraid) with the number 0 comes after that with"),
        (share_identity, "split leakage", "COMA_CH01 lends its expressions to"),
    ],
)
def test_attributes_that_are_wrong(sound_path, open_sound, edit, kind, words):
    file = sound_path / "zarr.json"
    content = json.loads(file.read_text())
    edit(content["attributes"])
    file.write_text(json.dumps(content))
    store = open_sound(sound_path)
    check = check_store(store, SETTINGS)
    assert any(words in str(each) for each in check.findings if each.kind == kind)


def test_a_sentence_that_is_not_in_the_manifest(sound_path, open_sound):
    file = sound_path / "manifest.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[1:]))
    check = check_store(open_sound(sound_path), SETTINGS)
    assert [each.kind for each in check.findings] == ["missing"]
    assert "is not in the manifest" in str(check.findings[0])


def test_a_source_that_has_changed(sound_path, open_sound, tmp_path):
    store = open_sound(sound_path)
    file = sound_path / "zarr.json"
    moved = tmp_path / "sources"
    shutil.copytree(store.index.sources, moved)
    content = json.loads(file.read_text())
    content["attributes"]["sources"] = str(moved)
    file.write_text(json.dumps(content))
    store = open_sound(sound_path)
    first = store.sequences[0]
    path = store.source_file(first.actor, first.sentence)
    np.save(path, np.load(path) * np.float32(1.0001))
    found = check_store(store, SETTINGS).findings
    assert "source changed" in {each.kind for each in found}


def test_a_store_whose_sources_are_gone_is_compared_with_its_speech(small_store, tmp_path):
    path = tmp_path / "moved.zarr"
    shutil.copytree(small_store, path)
    lose_sources(path)
    check = check_store(open_store(path), SETTINGS)
    assert len(check.without_source) == 4
    assert len(check.units) == 4


def test_two_processes_find_the_same_as_one(small_store):
    store = open_store(small_store)
    alone, shared = check_store(store, SETTINGS), check_store(store, SETTINGS, workers=2)
    assert alone.findings
    assert shared.findings == alone.findings
    seen = []
    check_store(store, SETTINGS, progress=lambda each: seen.append(each.name))
    assert seen == [each.name for each in store.sequences]


def test_a_virtual_store_is_decoded_and_found_to_be_what_a_stored_one_is(small_settings):
    build(dataclasses.replace(small_settings, storage="virtual"))
    virtual = open_store(small_settings.out)
    found = check_store(virtual, SETTINGS)
    build(dataclasses.replace(small_settings, out=small_settings.out.with_name("array.zarr")))
    stored = check_store(open_store(small_settings.out.with_name("array.zarr")), SETTINGS)
    assert len(found.units) == len(stored.units) == 4
    for first, second in zip(found.units, stored.units, strict=True):
        assert np.isnan(first.values["landmarks"]).all()
        for name in ("lip_spread", "expression_size", "displacement"):
            # steps of a micrometre apart
            assert first.values[name] == pytest.approx(second.values[name], abs=1e-4, nan_ok=True)
    latents = next((small_settings.out / "latent/talk").glob("Face*/sentence01/c/0/0"))
    latents.write_bytes(latents.read_bytes()[:-40])
    assert {"changed", "unreadable"} <= kinds(check_store(open_store(virtual.path), SETTINGS))
