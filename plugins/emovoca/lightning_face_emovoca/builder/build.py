"""Building a store with several processes, which never wait for each other.

Every process takes its sentences from the same sorted list by its rank, and puts each in its
place as a whole. What a killed process leaves is one unfinished sentence, which nothing refers
to. Since a sentence is computed the same way whoever computes it, all files of a store but those
in ``runs`` are the same bytes, however many processes and machines built it and however often
they were killed.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from lightning_face.checkpoint.atomic import atomic_path, sweep_temporaries
from lightning_face.errors import ConfigError, DataError, FaceError, RunError
from lightning_face_emovoca.builder.generator import load_generator
from lightning_face_emovoca.builder.header import (
    check_generator,
    store_groups,
    store_index,
    write_header,
)
from lightning_face_emovoca.builder.journal import (
    RUNS,
    append_line,
    read_journals,
    write_manifest,
)
from lightning_face_emovoca.builder.placing import scratch_folder, sweep_scratch
from lightning_face_emovoca.builder.provenance import run_record
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.sources import find_sources
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.builder.store_format import StoredSequence, StoreIndex
from lightning_face_emovoca.builder.unit_builder import UnitBuilder, source_digests, unit_id

__all__ = ["BuildReport", "Share", "build"]


@dataclass(frozen=True)
class Share:
    """Part of the work for one machine of several.

    Attributes:
        number: Which part, from 1.
        total: How many parts there are.
    """

    number: int = 1
    total: int = 1

    def __str__(self) -> str:
        """Return a name for files."""
        return f"{self.number}of{self.total}"

    def of(self, units: Sequence[StoredSequence]) -> list[StoredSequence]:
        """Return the sentences of this part.

        Args:
            units: All sentences.
        """
        return list(units[self.number - 1 :: self.total])


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        built: Number of sentences that were built.
        found: Number of sentences of this part that were there already.
        missing: Number of sentences that other parts have yet to build.
        findings: What the checks found wrong, over all sentences that are there.
    """

    built: int
    found: int
    missing: int
    findings: list[str]


def build(
    settings: BuildSettings,
    workers: int = 1,
    devices: Sequence[str] = ("cpu",),
    share: Share = Share(),
    resume: bool = False,
) -> BuildReport:
    """Build a store, or a part of it.

    Args:
        settings: What to build.
        workers: Number of processes.
        devices: Where they compute, in turns.
        share: Part of the work for this machine.
        resume: Whether to go on with a store that was begun.

    Raises:
        ConfigError: A setting is wrong, or the store is there already.
        DataError: An input is missing or damaged, or has changed since the store was begun. Where
            it concerns single sentences, the others are built first.
        RunError: The disk is full, or a process died; what is written stays.
        WeightsError: The generator is missing or damaged.
    """
    store = settings.out.expanduser().absolute()
    if store.is_dir() and any(store.iterdir()) and not resume and share.total == 1:
        raise ConfigError(
            f"{store} is there already: add --resume to go on with it, or name another folder "
            "(--out)"
        )
    scratch = scratch_folder(store, str(share))
    with _single_thread(), _clear_errors(store):
        sources = find_sources(settings)
        generator = load_generator(settings.generator)
        check_generator(generator, sources)
        index = store_index(settings, sources, generator)
        scratch.mkdir(parents=True, exist_ok=True)
        sweep_scratch(store, str(share))
        try:
            of_sample = settings.root is None
            write_header(store, index, sources, generator, scratch, of_sample)
            index = StoreIndex.read(store)
            mine = share.of(index.sequences)
            todo = _unfinished(store, index, mine)
            _write_record(store, share, devices, workers)
            _build_all(store, todo, min(workers, len(todo)), devices, share)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        lines = read_journals(store)
        missing = [each for each in index.sequences if each.name not in lines]
        if not missing:
            _finish(store, index, [lines[each.name] for each in index.sequences])
    findings = [
        text
        for each in index.sequences
        for text in lines.get(each.name, {}).get("checks", {}).get("findings", [])
    ]
    return BuildReport(len(todo), len(mine) - len(todo), len(missing), findings)


def _unfinished(
    store: Path, index: StoreIndex, units: list[StoredSequence]
) -> list[StoredSequence]:
    """List the sentences that are not there, and refuse those whose files have changed."""
    lines = read_journals(store)
    todo = []
    for unit in units:
        line = lines.get(unit.name)
        groups = ["audio", "latent/talk"]
        groups += [] if index.storage == "virtual" else ["motion", "landmarks"]
        if line is None or not all((store / name / unit.name).is_dir() for name in groups):
            todo.append(unit)
            continue
        root = Path(index.sources)
        digests = source_digests(root, unit)
        if line["unit"] != unit_id(unit, digests, index.settings, index.fingerprint):
            changed = [
                str(root / each["file"])
                for role, each in digests.items()
                if each["sha256"] != line["sources"][role]["sha256"]
            ]
            raise DataError(
                f"{store} was begun with something else: changed since then "
                f"{' and '.join(changed)}. Build into another folder (--out), or bring back what "
                "it was begun with"
            )
    return todo


def _build_all(
    store: Path,
    todo: list[StoredSequence],
    workers: int,
    devices: Sequence[str],
    share: Share,
) -> None:
    """Build sentences by as many processes, and tell at the end which could not be."""
    jobs = [
        _Job(
            store, tuple(todo[rank::workers]), rank, devices[rank % len(devices)], share, len(todo)
        )
        for rank in range(workers)
    ]
    if len(jobs) == 1:
        failures = _work(jobs[0])
    elif jobs:
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(len(jobs), context, _end_with_parent) as pool:
                running = [pool.submit(_work, job) for job in jobs]
                failures = [failure for each in running for failure in each.result()]
        except BrokenProcessPool:
            raise RunError(
                f"a process that built {store} was killed, perhaps for want of memory; what is "
                "written stays: go on with --resume and fewer --workers"
            ) from None
    else:
        failures = []
    if failures:
        more = f" (and {len(failures) - 1} more sentences)" if len(failures) > 1 else ""
        raise DataError(f"{failures[0]}{more}; all other sentences are built, go on with --resume")


@dataclass(frozen=True)
class _Job:
    """What one process does."""

    store: Path
    units: tuple[StoredSequence, ...]
    rank: int
    device: str
    share: Share
    total: int


def _work(job: _Job) -> list[str]:
    """Build sentences in this process.

    Args:
        job: Which.

    Returns:
        What is wrong with the sentences that could not be built.
    """
    torch.set_num_threads(1)
    store = open_store(job.store, device=job.device, unfinished=True)
    journal = job.store / RUNS / f"manifest.{job.share}.{job.rank}.jsonl"
    scratch = scratch_folder(job.store, str(job.share))
    builder = UnitBuilder(store, scratch)
    failures = []
    with _clear_errors(job.store):
        try:
            for unit in job.units:
                try:
                    line = builder.build(unit)
                except FaceError as error:
                    failures.append(str(error))
                    continue
                append_line(journal, line)
                variants = len(store.emotions) * len(store.intensities)
                seconds = line["run"]["seconds"]
                print(
                    f"{unit.name}: {unit.frames} frames x {variants} in {seconds:.1f} s",
                    file=sys.stderr,
                    flush=True,
                )
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return failures


def _end_with_parent() -> None:
    """Let this process be killed when the one that started it is, which cannot tell it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("this process was not started by another")
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _finish(store: Path, index: StoreIndex, lines: list[dict[str, object]]) -> None:
    """Write the manifest, whose presence says that all is there, and tidy up."""
    while True:
        try:
            write_manifest(store, lines)
        except FileNotFoundError:
            # another machine finished at the same moment and swept the file away unfinished
            continue
        break
    sweep_scratch(store)
    for folder in ("", RUNS, *store_groups(index)):
        sweep_temporaries(store / folder)


def _write_record(store: Path, share: Share, devices: Sequence[str], workers: int) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    name = f"run.{share}.{stamp}.{socket.gethostname()}.{os.getpid()}.json"
    with atomic_path(store / RUNS / name) as temporary:
        record = run_record(list(devices), workers, str(share))
        temporary.write_text(f"{json.dumps(record, indent=2)}\n")


@contextmanager
def _single_thread() -> Iterator[None]:
    """Compute with one thread, since more of them sum up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _clear_errors(store: Path) -> Iterator[None]:
    """Say in one line why nothing more can be written."""
    try:
        yield
    except OSError as error:
        place = error.filename or store
        raise RunError(
            f"{store} cannot be built further: {error.strerror or error} ({place}); what is "
            "written stays, go on with --resume"
        ) from error
