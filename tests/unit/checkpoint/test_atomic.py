from __future__ import annotations

import os
import stat

import pytest

from lightning_face.checkpoint import atomic_path, sweep_temporaries


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_content_and_folder_reach_the_disk_before_and_after_the_rename(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    events = []

    def fsync(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append(("folder" if folder else "file", path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_path(path) as temporary:
        temporary.write_text("content")
    assert events == [("file", False), ("folder", True)]


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with atomic_path(tmp_path / "atomic"):
        pass
    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    assert modes["plain"] == modes["atomic"]


def test_sweeping_removes_temporaries_only(tmp_path):
    with atomic_path(tmp_path / "file.txt") as temporary:
        # as after a kill
        (tmp_path / temporary.name.replace("file", "stale")).touch()
        (tmp_path / ".hidden").touch()
    stale = [path for path in tmp_path.iterdir() if "stale" in path.name]
    assert sweep_temporaries(tmp_path) == stale
    assert {path.name for path in tmp_path.iterdir()} == {"file.txt", ".hidden"}
    assert sweep_temporaries(tmp_path / "missing") == []
