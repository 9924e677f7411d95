"""Folders that are whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lightning_face_emovoca.builder.placing import place_folder, scratch_folder, sweep_scratch


def fill(folder, text):
    folder.mkdir(parents=True)
    (folder / "file").write_text(text)


def test_folder_appears_whole(tmp_path):
    scratch = scratch_folder(tmp_path, "1of1")
    with place_folder(tmp_path, "group/name", scratch, replace=False) as folder:
        fill(folder, "new")
        assert not (tmp_path / "group/name").exists()
    assert (tmp_path / "group/name/file").read_text() == "new"


@pytest.mark.parametrize(("replace", "expected"), [(True, "new"), (False, "old")])
def test_folder_that_is_there_already(tmp_path, replace, expected):
    fill(tmp_path / "group/name", "old")
    scratch = scratch_folder(tmp_path, "1of1")
    with place_folder(tmp_path, "group/name", scratch, replace) as folder:
        fill(folder, "new")
    assert (tmp_path / "group/name/file").read_text() == expected
    assert not list(scratch.rglob("file"))


def test_failure_leaves_what_was_there(tmp_path):
    fill(tmp_path / "group/name", "old")
    scratch = scratch_folder(tmp_path, "1of1")

    def fail():
        with place_folder(tmp_path, "group/name", scratch, replace=True) as folder:
            fill(folder, "new")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert (tmp_path / "group/name/file").read_text() == "old"


def test_only_what_dead_processes_of_the_same_share_left_is_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine = scratch_folder(tmp_path, "1of2")
    dead = mine.with_suffix(f".{ended.pid}")
    elsewhere = mine.with_name(f"1of2.another-machine.{ended.pid}")
    other_share = dead.with_name(dead.name.replace("1of2", "2of2"))
    for folder in (mine, dead, elsewhere, other_share):
        fill(folder, "")
    assert mine.name.endswith(f".{os.getpid()}")
    sweep_scratch(tmp_path, "1of2")
    assert mine.exists()
    assert not dead.exists()
    assert elsewhere.exists()
    assert other_share.exists()
    sweep_scratch(tmp_path)
    assert not any(tmp_path.iterdir())
