"""A whole store, checked by one process or several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from lightning_face_emovoca.builder.store import EmoVOCAStore, open_store
from lightning_face_emovoca.builder.store_format import StoredSequence
from lightning_face_emovoca.verification.data_set import (
    find_duplicates,
    find_shared_actors,
    find_wrong_labels,
)
from lightning_face_emovoca.verification.findings import Finding, judge_accuracy
from lightning_face_emovoca.verification.sentence_check import CheckedSentence, SentenceCheck
from lightning_face_emovoca.verification.settings import VerificationSettings
from lightning_face_emovoca.verification.unit_measures import UnitMeasures

__all__ = ["StoreCheck", "check_store"]


@dataclass(frozen=True, eq=False)
class StoreCheck:
    """What was found of a store.

    Attributes:
        units: Measures of all sentences that can be read.
        findings: Everything that is wrong, of the whole store first.
        without_source: Names of the sentences whose sources are not there any more.
    """

    units: list[UnitMeasures]
    findings: list[Finding]
    without_source: list[str]


def check_store(
    store: EmoVOCAStore,
    settings: VerificationSettings,
    workers: int = 1,
    progress: Callable[[StoredSequence], None] | None = None,
) -> StoreCheck:
    """Check everything in a store.

    Args:
        store: The store.
        settings: Limits of what is sound.
        workers: Number of processes.
        progress: Called with each sentence when it has been checked.
    """
    sequences = store.sequences
    checked = []
    for sequence, result in zip(
        sequences, _check_all(store, settings, sequences, workers), strict=True
    ):
        checked.append(result)
        if progress is not None:
            progress(sequence)
    units = [each.measures for each in checked if each.measures is not None]
    names = [each.name for each in store.emotions]
    findings = find_wrong_labels(store.emotions) + find_shared_actors(store.index.actors)
    present = {each.name for each in sequences}
    findings += [
        Finding("missing", f"sentence {each.name}", "is not in the manifest")
        for each in store.index.sequences
        if each.name not in present
    ]
    findings += find_duplicates(motion for each in checked for motion in each.motions)
    for actor in store.actors:
        own = [unit for unit in units if unit.name.startswith(f"{actor}/")]
        findings += judge_accuracy(actor, own, names, settings)
    findings += [finding for each in checked for finding in each.findings]
    lost = [each.name for each, one in zip(sequences, checked, strict=True) if not one.has_source]
    return StoreCheck(units, findings, lost)


def _check_all(
    store: EmoVOCAStore,
    settings: VerificationSettings,
    sequences: tuple[StoredSequence, ...],
    workers: int,
) -> Iterator[CheckedSentence]:
    """Check sentences in their order."""
    if workers == 1:
        check = SentenceCheck(store, settings)
        yield from map(check.check, sequences)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        jobs = [(store.path, settings, each) for each in sequences]
        yield from pool.map(_check_elsewhere, *zip(*jobs, strict=True))


def _check_elsewhere(
    path: Path, settings: VerificationSettings, sequence: StoredSequence
) -> CheckedSentence:
    return _opened(path, settings).check(sequence)


@lru_cache(maxsize=1)
def _opened(path: Path, settings: VerificationSettings) -> SentenceCheck:
    torch.set_num_threads(1)
    return SentenceCheck(open_store(path), settings)
