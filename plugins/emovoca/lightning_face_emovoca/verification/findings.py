"""What is wrong with a data set, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lightning_face_emovoca.verification.settings import VerificationSettings
from lightning_face_emovoca.verification.unit_measures import UnitMeasures

__all__ = ["Finding", "judge_accuracy", "judge_unit", "summarize"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: What kind of failure it is, the same words for the same kind.
        place: The array, with the label of the variant and the frame where there are such.
        what: What is wrong there.
    """

    kind: str
    place: str
    what: str

    def __str__(self) -> str:
        """Return everything as one line."""
        return f"{self.kind}: {self.place} {self.what}"


def judge_unit(
    unit: UnitMeasures,
    emotions: Sequence[str],
    intensities: Sequence[float],
    settings: VerificationSettings,
    last_vertex_still: bool = False,
) -> list[Finding]:
    """Compare the measures of a sentence with their limits.

    Args:
        unit: What was measured.
        emotions: Names of the emotions.
        intensities: Strengths of the expressions.
        settings: The limits.
        last_vertex_still: Whether the network leaves the last vertex where it is.

    Returns:
        Everything that is wrong, by emotion and intensity.
    """
    found: list[Finding] = []

    def place(array: str, at: tuple[int, ...], frame: int | None = None) -> str:
        label = f"{emotions[at[0]]}, {intensities[at[1]]:g}"
        return f"{array}/{unit.name} [{label}]" + ("" if frame is None else f" frame {frame}")

    for at in np.ndindex(unit.frames.shape):
        if unit.frames[at] != unit.source_frames:
            what = f"has {unit.frames[at]} frames, its source has {unit.source_frames}"
            found.append(Finding("frames", place("motion", at), what))
        if unit.not_finite[at] >= 0:
            where = place("motion", at, int(unit.not_finite[at]))
            found.append(Finding("not finite", where, "has a number that is not finite"))
        if last_vertex_still and unit.last_vertex[at] > 0:
            what = f"moves the last vertex by {1000 * unit.last_vertex[at]:.4g} mm, it has to rest"
            found.append(Finding("last vertex", place("motion", at), what))
    for measure in settings.measures():
        table, frames = unit.values[measure.name], unit.places.get(measure.name)
        for at in np.ndindex(table.shape):
            value = float(table[at])
            if measure.is_sound(value):
                continue
            frame = None if frames is None else int(frames[at])
            array = "landmarks" if measure.name == "landmarks" else "motion"
            what = f"is {measure.show(value)}, sound is {measure.limits}"
            found.append(Finding(measure.title.lower(), place(array, at, frame), what))
    return found


def judge_accuracy(
    actor: str,
    units: Sequence[UnitMeasures],
    emotions: Sequence[str],
    settings: VerificationSettings,
) -> list[Finding]:
    """Tell whether the expressions of an actor are told apart.

    Args:
        actor: Who speaks.
        units: Measures of all sentences of that actor.
        emotions: Names of the emotions.
        settings: The limits.
    """
    confusion = confusions(units, len(emotions))
    total, right = int(confusion.sum()), int(np.trace(confusion))
    if not total or right / total >= settings.expression_accuracy:
        return []
    wrong = confusion - np.diag(np.diag(confusion))
    meant, taken = divmod(int(wrong.argmax()), len(emotions))
    what = (
        f"has {100 * right / total:.1f} % of its variants nearest to their own expression, sound "
        f"is at least {100 * settings.expression_accuracy:g} %; most often {emotions[meant]} is "
        f"taken for {emotions[taken]}"
    )
    return [Finding("expressions told apart", f"actor {actor}", what)]


def confusions(units: Iterable[UnitMeasures], num_emotions: int) -> np.ndarray:
    """Count which emotion each variant is nearest to.

    Returns:
        Counts ``(emotions meant, emotions nearest)``.
    """
    counts = np.zeros((num_emotions, num_emotions), dtype=np.int64)
    for unit in units:
        for emotion, row in enumerate(unit.nearest):
            np.add.at(counts[emotion], row[row >= 0], 1)
    return counts


def summarize(findings: Sequence[Finding]) -> list[str]:
    """Write one line for each kind of failure, with the first place and how many more."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    return [
        f"{found[0]}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
        for found in kinds.values()
    ]
