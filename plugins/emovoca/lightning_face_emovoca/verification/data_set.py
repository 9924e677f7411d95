"""What can be wrong with a data set as a whole: labels, duplicates, parts that share data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL
from lightning_face_emovoca.data.splits import SPLIT, PartName
from lightning_face_emovoca.verification.findings import Finding

if TYPE_CHECKING:
    from lightning_face_emovoca.builder.store_format import StoredEmotion

__all__ = ["MotionDigest", "find_duplicates", "find_shared_actors", "find_wrong_labels"]

Split = Mapping[PartName, Sequence[str]]


@dataclass(frozen=True)
class MotionDigest:
    """What tells a motion from others.

    Attributes:
        place: The array, with the label of the variant.
        actor: Who speaks.
        digest: Hash of its numbers.
    """

    place: str
    actor: str
    digest: str


def find_wrong_labels(emotions: Sequence[StoredEmotion]) -> list[Finding]:
    """Compare the emotions of a store with those of the published data set.

    Args:
        emotions: Entries of the axis of emotions, in their order.

    Returns:
        A finding for each emotion whose number or name is another one's, or that is out of order.
    """
    known = {each.label: each for each in (*EMOTIONS, NEUTRAL)}
    found = []
    last = -1
    for place, emotion in enumerate(emotions):
        if emotion.label is None:
            continue
        where = f"emotion {place} ({emotion.name})"
        published = known.get(emotion.label)
        if published is None or (published.name, published.file_name) != (
            emotion.name,
            emotion.file_name,
        ):
            meant = "none" if published is None else f"{published.name} ({published.file_name})"
            what = f"has the number {emotion.label}, which is {meant}"
            found.append(Finding("labels", where, what))
        elif emotion.label <= last:
            what = f"with the number {emotion.label} comes after that with the number {last}"
            found.append(Finding("labels", where, what))
        last = max(last, emotion.label)
    return found


def find_shared_actors(identities: Mapping[str, str], split: Split = SPLIT) -> list[Finding]:
    """Find those who are in more than one part, in person or with their expressions.

    Args:
        identities: Whose expressions each actor shows, by the name of the actor.
        split: Actors by the name of the part.
    """
    found = []
    for actor in sorted(identities):
        parts = [part for part, actors in split.items() if actor in actors]
        if len(parts) > 1:
            what = f"is in the parts {' and '.join(parts)}"
            found.append(Finding("split leakage", f"actor {actor}", what))
    owners: dict[str, dict[str, str]] = {}
    for actor, identity in sorted(identities.items()):
        part = _part_of(actor, split)
        if part is not None:
            owners.setdefault(identity, {}).setdefault(part, actor)
    for identity, by_part in owners.items():
        if len(by_part) > 1:
            shown = " and ".join(f"{actor} ({part})" for part, actor in by_part.items())
            what = f"lends its expressions to {shown}"
            found.append(Finding("split leakage", f"identity {identity}", what))
    return found


def find_duplicates(motions: Iterable[MotionDigest], split: Split = SPLIT) -> list[Finding]:
    """Find motions that are the same numbers.

    Args:
        motions: All motions.
        split: Actors by the name of the part; what two parts share is worse than a duplicate.
    """
    groups: dict[str, list[MotionDigest]] = {}
    for motion in motions:
        groups.setdefault(motion.digest, []).append(motion)
    found = []
    for first, *others in groups.values():
        part = _part_of(first.actor, split)
        for other in others:
            theirs = _part_of(other.actor, split)
            leaks = part is not None and theirs is not None and part != theirs
            kind = "split leakage" if leaks else "duplicate"
            parts = f" of the part {part}, itself of the part {theirs}" if leaks else ""
            what = f"is the same as {first.place}{parts}"
            found.append(Finding(kind, other.place, what))
    return found


def _part_of(actor: str, split: Split) -> PartName | None:
    return next((part for part, actors in split.items() if actor in actors), None)
