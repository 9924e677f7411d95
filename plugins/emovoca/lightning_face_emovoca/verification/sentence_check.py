"""One sentence of a store, read from its files and measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import FRAME_CHUNK, StoredSequence
from lightning_face_emovoca.verification.data_set import MotionDigest
from lightning_face_emovoca.verification.findings import Finding, judge_unit
from lightning_face_emovoca.verification.motion_measures import HeadRegions
from lightning_face_emovoca.verification.settings import VerificationSettings
from lightning_face_emovoca.verification.stored_files import check_source, check_stored_files
from lightning_face_emovoca.verification.unit_measures import UnitMeasurer, UnitMeasures

__all__ = ["CheckedSentence", "SentenceCheck"]

Floats = NDArray[np.floating]

_BLOCK = 4 * FRAME_CHUNK
_LONGEST_SILENCE = 0.5


@dataclass(frozen=True, eq=False)
class CheckedSentence:
    """What was found of a sentence.

    Attributes:
        measures: Its measures; None where its speech cannot be read.
        findings: What is wrong.
        motions: What tells its motions from others.
        has_source: Whether the talking sequence that it was built of is still there.
    """

    measures: UnitMeasures | None
    findings: list[Finding]
    motions: list[MotionDigest]
    has_source: bool


class SentenceCheck:
    """Checks sentences of a store one after the other.

    Args:
        store: The store.
        settings: Limits of what is sound.
    """

    def __init__(self, store: EmoVOCAStore, settings: VerificationSettings) -> None:
        self._store = store
        self._settings = settings
        self._names = [each.name for each in store.emotions]
        self._lines = {f"{each['actor']}/{each['sentence']}": each for each in store.manifest}

    def check(self, unit: StoredSequence) -> CheckedSentence:
        """Check a sentence: its files against their hashes, then what is in them.

        The speech is compared with the source where that is still there, else with the mixture
        without an expression.

        Args:
            unit: The sentence.
        """
        store = self._store
        line = self._lines[unit.name]
        findings = check_stored_files(store, unit, line) + check_source(store, unit, line)
        has_source = store.source_file(unit.actor, unit.sentence).is_file()
        try:
            findings += self._check_sound(unit)
            head = HeadRegions(
                store.template(unit.actor),
                store.faces,
                store.embedding.landmarks_of,
                self._settings,
            )
            places = range(len(store.emotions))
            models = np.stack([store.expression(unit.actor, place) for place in places])
            measurer = UnitMeasurer(unit.name, head, len(places), len(store.intensities))
            digest = self._add_talking(measurer, unit, has_source)
        except DataError as error:
            findings.append(Finding("unreadable", unit.name, str(error)))
            return CheckedSentence(None, findings, [], has_source)
        motions = [MotionDigest(f"the speech of {unit.name}", unit.actor, digest)]
        for at in np.ndindex(len(places), len(store.intensities)):
            shows = bool(models[at[0]].any()) and store.intensities[at[1]] > 0
            motions += self._add_variant(measurer, unit, at, findings, shows)
        measures = measurer.finish(models, store.intensities)
        still = store.network.tables.level0_shift
        findings += judge_unit(measures, self._names, store.intensities, self._settings, still)
        return CheckedSentence(measures, findings, motions, has_source)

    def _check_sound(self, unit: StoredSequence) -> list[Finding]:
        samples, rate = self._store.audio(unit.actor, unit.sentence)
        seconds, expected = len(samples) / rate, unit.frames / self._store.frame_rate
        if abs(seconds - expected) <= _LONGEST_SILENCE:
            return []
        what = f"lasts {seconds:.2f} s, the motion {expected:.2f} s"
        return [Finding("sound", f"audio/{unit.name}", what)]

    def _add_talking(self, measurer: UnitMeasurer, unit: StoredSequence, has_source: bool) -> str:
        digest = hashlib.sha256()
        for frames in _blocks(0, unit.frames):
            plain = self._store.plain(unit.actor, unit.sentence, frames=frames)
            source = plain
            if has_source:
                source = self._store.source(unit.actor, unit.sentence, frames)
            measurer.add_talking(source, plain)
            digest.update(source.tobytes())
        return digest.hexdigest()

    def _add_variant(
        self,
        measurer: UnitMeasurer,
        unit: StoredSequence,
        at: tuple[int, ...],
        findings: list[Finding],
        shows: bool,
    ) -> list[MotionDigest]:
        """Measure a variant; return what tells it from others, if it is not to be like others."""
        emotion, intensity = at
        label = f"[{self._names[emotion]}, {self._store.intensities[intensity]:g}]"
        digest = hashlib.sha256()
        for frames in _blocks(0, unit.frames):
            try:
                motion, landmarks = self._read(unit, at, frames)
            except DataError as error:
                frame = self._first_unreadable(unit, at, frames)
                place = f"motion/{unit.name} {label} frame {frame}"
                findings.append(Finding("unreadable", place, f"cannot be read: {error}"))
                measurer.drop(emotion, intensity)
                return []
            measurer.add(emotion, intensity, motion, landmarks)
            digest.update(motion.tobytes())
        place = f"motion/{unit.name} {label}"
        return [MotionDigest(place, unit.actor, digest.hexdigest())] if shows else []

    def _read(
        self, unit: StoredSequence, at: tuple[int, ...], frames: slice
    ) -> tuple[Floats, Floats | None]:
        store = self._store
        address = unit.actor, unit.sentence, at[0], store.intensities[at[1]], frames
        motion = store.sequence(*address)
        # those of a virtual store are computed of the motion, and cannot contradict it
        return motion, None if store.is_virtual else store.landmarks(*address)

    def _first_unreadable(self, unit: StoredSequence, at: tuple[int, ...], frames: slice) -> int:
        """Return the first frame of the first chunk that cannot be read."""
        for chunk in _blocks(frames.start, frames.stop, FRAME_CHUNK):
            try:
                self._read(unit, at, chunk)
            except DataError:
                return int(chunk.start)
        return int(frames.start)


def _blocks(begin: int, end: int, size: int = _BLOCK) -> Iterator[slice]:
    for start in range(begin, end, size):
        yield slice(start, min(start + size, end))
