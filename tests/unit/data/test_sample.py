from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from lightning_face.data import cached_sample


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    return tmp_path


def write(folder: Path) -> None:
    for number in range(50):
        (folder / f"{number}.txt").write_text(str(number))


def ask(barrier, answers) -> None:
    barrier.wait()
    folder = cached_sample("points", write)
    answers.put((str(folder), len(list(folder.iterdir()))))


def test_the_sample_is_written_once(cache):
    calls = []

    def once(folder: Path) -> None:
        calls.append(folder)
        write(folder)

    first, second = cached_sample("points", once), cached_sample("points", once)
    assert first == second
    assert first.is_relative_to(cache)
    assert len(calls) == 1
    assert stat.S_IMODE(first.stat().st_mode) == 0o755


def test_another_version_is_written_anew():
    assert cached_sample("points", write, "1") != cached_sample("points", write, "2")


def test_a_writer_that_fails_leaves_nothing(cache):
    def fail(folder: Path) -> None:
        write(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cached_sample("points", fail)
    assert list((cache / "samples").iterdir()) == []


def test_processes_that_start_together_find_one_complete_folder(cache):
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(6), context.Queue()
    processes = [context.Process(target=ask, args=(barrier, answers)) for _ in range(6)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert {process.exitcode for process in processes} == {0}
    assert len({folder for folder, _ in found}) == 1
    assert {count for _, count in found} == {50}
    assert [path.name for path in (cache / "samples").iterdir()] == ["points-1"]
