"""Building the C kernel, and its copies for each instruction set."""

import multiprocessing
import os
import stat

import numpy as np
import pytest
import torch

from lightning_face.ops.selective_scan import c


@pytest.fixture
def unbuilt(monkeypatch, tmp_path):
    """A process that has not loaded the kernel, with an empty cache."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    c._load_once.cache_clear()
    yield tmp_path
    c._load_once.cache_clear()


@pytest.fixture
def compiler():
    try:
        return c._compiler()
    except c.BuildError as error:
        pytest.skip(str(error))


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("instructions", list(c.VARIANTS))
@pytest.mark.parametrize("channels", [3, 16, 70])
def test_every_copy_of_the_code_agrees_with_the_definition(
    compiler, make_inputs, exact, run, assert_close, monkeypatch, instructions, channels
):
    if instructions not in c.instruction_sets():
        pytest.skip(f"this processor has no {instructions}")
    monkeypatch.setattr(c, "instruction_sets", lambda: (instructions,))
    inputs = make_inputs(7, 11, channels, states=6, orders=(0, 1, 2, 3))
    grad_y = torch.linspace(-1, 1, inputs.u.numel()).view(inputs.u.shape)
    assert_close(run(inputs, grad_y, "c"), exact(inputs, grad_y), tolerance=5e-6)


def test_the_kernel_is_built_once(compiler, unbuilt):
    first = c.build_kernel()
    written = first.stat().st_mtime_ns
    assert c.build_kernel() == first
    assert first.stat().st_mtime_ns == written
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_another_compiler_command_makes_another_kernel(compiler, unbuilt, monkeypatch):
    first = c.build_kernel()
    monkeypatch.setenv("CC", f"{compiler[0]} -g")
    assert c.build_kernel() != first


def build_and_load(barrier, results):
    barrier.wait()
    results.put(c.unavailable())


@pytest.mark.distributed
def test_processes_may_build_at_the_same_time(compiler, unbuilt):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(3), context.Queue()
    workers = [context.Process(target=build_and_load, args=(barrier, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [results.get(timeout=300) for _ in workers] == [None, None, None]
    for worker in workers:
        worker.join()
    assert len(list((unbuilt / "cache" / "kernels").iterdir())) == 1


def test_a_missing_compiler_is_a_reason(unbuilt, monkeypatch):
    monkeypatch.setenv("PATH", str(unbuilt))
    assert c.unavailable().startswith("no C compiler: cc, gcc or clang is not on the PATH")
    monkeypatch.setenv("CC", "icc -fast")
    c._load_once.cache_clear()
    assert "$CC (icc) is not on the PATH" in c.unavailable()


def test_a_failing_compiler_is_a_reason_with_its_message(unbuilt, monkeypatch):
    script = '[ "$1" = --version ] && exit 0; echo "kernel.c:1: error: out of ink" >&2; exit 4'
    monkeypatch.setenv("CC", str(program(unbuilt / "bad-cc", script)))
    assert c.unavailable().endswith("failed with status 4: kernel.c:1: error: out of ink")


def test_a_compiler_that_knows_only_the_baseline_will_do(
    compiler, unbuilt, monkeypatch, make_inputs, run, exact, assert_close
):
    script = f'case "$*" in *-mavx2*) exit 1;; esac; exec {compiler[0]} "$@"'
    monkeypatch.setenv("CC", str(program(unbuilt / "old-cc", script)))
    assert c.instruction_sets() == ("baseline",)
    inputs = make_inputs(2, 9, 5)
    grad_y = torch.ones_like(inputs.u)
    assert_close(run(inputs, grad_y, "c"), exact(inputs, grad_y), tolerance=5e-6)


def test_a_cache_that_cannot_be_written_is_a_reason(compiler, unbuilt, monkeypatch):
    occupied = unbuilt / "file"
    occupied.touch()
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(occupied))
    assert c.unavailable().startswith(f"the compiled kernel cannot be kept in {occupied}")


def test_a_damaged_library_is_a_reason(compiler, unbuilt):
    c.build_kernel().write_bytes(b"not a library")
    assert c.unavailable().startswith("the compiled kernel does not load")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_work_in_a_forked_process(compiler, make_inputs):
    inputs = make_inputs(16, 16, 512, states=8, batch=1)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        expected, _, _ = c.forward(inputs, need_backward=False)
        child = os.fork()
        if child == 0:
            found, _, _ = c.forward(inputs, need_backward=False)
            # torch's own threads do not survive a fork, so numpy compares
            os._exit(0 if np.array_equal(found.numpy(), expected.numpy()) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        torch.set_num_threads(threads)
