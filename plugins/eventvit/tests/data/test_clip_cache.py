"""The clip cache: right, complete, written once, never out of date."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_eventvit.data import clip_cache
from lightning_face_eventvit.data.clip_cache import ClipCache, cache_key, file_stamp, open_cache

CLIPS = [
    np.random.default_rng(i).integers(0, 256, (3 + i, 1 + 2 * (i % 2), 5, 5), dtype=np.uint8)
    for i in range(40)
]


def opened(folder: Path, key: str = "k" * 64, clips=None) -> ClipCache:
    clips = CLIPS if clips is None else clips
    readers = [lambda clip=clip: clip for clip in clips]
    return open_cache(folder, "train", key, readers, expected_bytes=1000)


def test_clips_of_any_length_come_back_in_order(tmp_path):
    cache = opened(tmp_path)
    assert len(cache) == len(CLIPS)
    for index, clip in enumerate(CLIPS):
        np.testing.assert_array_equal(cache[index], clip)


def test_strided_frames_are_stored_as_they_look(tmp_path):
    clip = CLIPS[3].transpose(0, 1, 3, 2)[::2]
    np.testing.assert_array_equal(opened(tmp_path, clips=[clip])[0], clip)


def test_frames_are_read_once(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        opened(tmp_path)

        def never():
            raise AssertionError

        cache = open_cache(tmp_path, "train", "k" * 64, [never] * len(CLIPS), 1000)
    np.testing.assert_array_equal(cache[7], CLIPS[7])
    assert caplog.text.count("writing 40 clips") == 1


def test_long_writing_tells_how_far_it_is(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(clip_cache, "_PROGRESS_SECONDS", 0.0)
    with caplog.at_level(logging.INFO):
        opened(tmp_path)
    assert "39 of 40 clips written" in caplog.text


def test_other_settings_are_another_file(tmp_path):
    opened(tmp_path)
    other = opened(tmp_path, key="l" * 64, clips=CLIPS[::-1])
    np.testing.assert_array_equal(other[0], CLIPS[-1])
    assert len(list(tmp_path.glob("*.clips"))) == 2


def test_key_depends_on_every_setting(tmp_path):
    keys = [{"size": 360}, {"size": 224}, {"size": 360, "clips": [["a", 1]]}]
    assert len({cache_key(settings) for settings in keys}) == 3
    assert cache_key({"a": 1, "b": 2}) == cache_key({"b": 2, "a": 1})


def test_stamp_tells_changed_files(tmp_path):
    path = tmp_path / "frame.png"
    path.write_bytes(b"1")
    first = file_stamp(path)
    path.write_bytes(b"12")
    assert file_stamp(path) != first
    with pytest.raises(DataError, match="nowhere"):
        file_stamp(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", ["empty", "truncated", "longer", "index", "footer"])
def test_a_damaged_file_is_written_again(tmp_path, caplog, damage):
    path = opened(tmp_path).path
    content = bytearray(path.read_bytes())
    if damage in ("index", "footer"):
        content[-50 if damage == "index" else -1] ^= 255
    changed = {"empty": b"", "truncated": content[:-100], "longer": content + b"x"}
    path.write_bytes(changed.get(damage, content))
    cache = opened(tmp_path)
    assert "is damaged" in caplog.text
    np.testing.assert_array_equal(cache[39], CLIPS[39])


def test_damaged_frames_are_noticed_when_they_are_read(tmp_path):
    path = opened(tmp_path).path
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    cache = opened(tmp_path)
    with pytest.raises(DataError, match="delete it") as caught:
        cache[0]
    assert str(path) in str(caught.value)
    np.testing.assert_array_equal(cache[1], CLIPS[1])


def test_a_failed_reader_leaves_no_file(tmp_path):
    def broken():
        raise DataError("frame_3.png is truncated")

    with pytest.raises(DataError, match=r"frame_3\.png"):
        open_cache(tmp_path, "train", "k" * 64, [lambda: CLIPS[0], broken], 1000)
    assert not list(tmp_path.glob("*.clips"))
    assert not list(tmp_path.glob(".*.partial"))


def test_a_full_disk_is_said_before_writing(tmp_path):
    with pytest.raises(DataError, match=r"needs 1000000\.0 GB .* set data\.cache_dir"):
        open_cache(tmp_path, "train", "k" * 64, [], expected_bytes=10**15)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be written to .*file.*; set data\.cache_dir"):
        opened(tmp_path / "file" / "cache")


def test_workers_get_no_copy_of_the_frames(tmp_path):
    cache = opened(tmp_path)
    cache[0]
    sent = pickle.dumps(cache)
    assert len(sent) < 5000
    np.testing.assert_array_equal(pickle.loads(sent)[5], CLIPS[5])  # noqa: S301


def _open_in_child(folder: str, results) -> None:
    written = []

    def reader(clip):
        written.append(1)
        return clip

    readers = [lambda clip=clip: reader(clip) for clip in CLIPS]
    cache = clip_cache.open_cache(Path(folder), "train", "k" * 64, readers, 1000)
    results.put((len(written), int(cache[11].sum())))


def test_one_of_several_processes_writes(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    children = [
        context.Process(target=_open_in_child, args=(str(tmp_path), results)) for _ in range(4)
    ]
    for child in children:
        child.start()
    found = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert sorted(count for count, _ in found) == [0, 0, 0, len(CLIPS)]
    assert {total for _, total in found} == {int(CLIPS[11].sum())}
