"""Builds that are killed, divided and resumed make the same bytes as one that is left alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.builder import build as build_module
from lightning_face_emovoca.builder.build import Share, build
from lightning_face_emovoca.builder.store import open_store


def content(store: Path) -> dict[str, bytes]:
    """All files of a store but those of its runs."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and path.relative_to(store).parts[0] != "runs"
    }


@pytest.fixture(scope="module")
def undisturbed(small_root, small_generator, tmp_path_factory):
    settings = build_module.BuildSettings(
        out=tmp_path_factory.mktemp("undisturbed") / "store.zarr",
        root=small_root,
        generator=small_generator,
        emotions=["Afraid", "Disgust", "Angry"],
    )
    report = build(settings)
    assert (report.built, report.found, report.missing) == (4, 0, 0)
    return settings.out


def test_same_inputs_make_the_same_bytes(undisturbed, small_settings):
    build(small_settings)
    assert content(small_settings.out) == content(undisturbed)


def build_until(settings, flushes):
    """Build, and be killed where a file would reach the disk for the n-th time."""
    flush, left = os.fsync, flushes

    def fatal(descriptor):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(descriptor)

    os.fsync = fatal
    build(settings, resume=True)


# what comes before the first sentence takes about 70 flushes, each of the four sentences about 24
@pytest.mark.parametrize("moments", [(3, 20), (60, 11), (75, 29), (99, 5), (101, 40), (150, 23)])
def test_killed_twice_and_resumed(undisturbed, small_settings, moments):
    context = multiprocessing.get_context("fork")
    for moment in moments:
        process = context.Process(target=build_until, args=(small_settings, moment))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    build(small_settings, resume=True)
    assert content(small_settings.out) == content(undisturbed)


def test_killed_while_it_finishes(undisturbed, small_settings, monkeypatch):
    context = multiprocessing.get_context("fork")
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "write_manifest", lambda *_: os.kill(os.getpid(), 9))
        process = context.Process(target=build, args=(small_settings,))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    with pytest.raises(DataError, match="not finished: go on with `lightning-face"):
        open_store(small_settings.out)
    report = build(small_settings, resume=True)
    assert (report.built, report.found) == (0, 4)
    assert content(small_settings.out) == content(undisturbed)


def test_journal_cut_in_mid_line(undisturbed, small_settings):
    build(small_settings)
    (journal,) = (small_settings.out / "runs").glob("manifest.*.jsonl")
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) - 40])
    (small_settings.out / "manifest.jsonl").unlink()
    report = build(small_settings, resume=True)
    assert (report.built, report.found) == (1, 3)
    assert content(small_settings.out) == content(undisturbed)


@pytest.mark.parametrize("kill_first", [False, True])
def test_two_shards(undisturbed, small_settings, kill_first):
    if kill_first:
        context = multiprocessing.get_context("fork")
        process = context.Process(target=build_until, args=(small_settings, 80))
        process.start()
        process.join()
    first = build(small_settings, share=Share(1, 2))
    assert first.missing == 2
    second = build(small_settings, share=Share(2, 2))
    assert second.missing == 0
    assert content(small_settings.out) == content(undisturbed)


def run_cli(settings, *words):
    command = [
        *(sys.executable, "-m", "lightning_face", "emovoca", "build"),
        *("--out", str(settings.out), "--root", str(settings.root)),
        *("--generator", str(settings.generator), "--emotions", "[Afraid,Disgust,Angry]"),
        *("--devices", "cpu", *words),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.distributed
def test_two_workers_of_the_command_line_killed_by_their_parent(undisturbed, small_settings):
    runs = small_settings.out / "runs"
    killed = run_cli(small_settings, "--workers", "2")
    while killed.poll() is None and not any(runs.glob("manifest.*")):
        time.sleep(0.005)
    killed.kill()
    killed.communicate()
    finished = run_cli(small_settings, "--workers", "2", "--resume")
    output, _ = finished.communicate(timeout=300)
    assert finished.returncode == 0, output
    assert content(small_settings.out) == content(undisturbed)


def test_virtual_store_says_the_same_within_the_quantum(undisturbed, small_settings):
    build(replace(small_settings, storage="virtual"))
    array, virtual = open_store(undisturbed), open_store(small_settings.out)
    assert virtual.is_virtual
    assert not array.is_virtual
    assert not (small_settings.out / "motion").exists()
    for sequence in array.sequences:
        for emotion in array.emotions:
            for intensity in array.intensities:
                at = sequence.actor, sequence.sentence, emotion.name, intensity
                stored, decoded = array.sequence(*at), virtual.sequence(*at)
                assert np.abs(stored).max() > 1e-4
                np.testing.assert_allclose(stored, decoded, atol=0.51e-6, rtol=0)
                np.testing.assert_allclose(
                    array.landmarks(*at), virtual.landmarks(*at), atol=1e-5, rtol=0
                )


def test_store_is_not_overwritten(undisturbed, small_settings):
    with pytest.raises(ConfigError, match="is there already: add --resume"):
        build(replace(small_settings, out=undisturbed))
