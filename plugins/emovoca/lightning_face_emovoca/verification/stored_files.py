"""Files of a sentence against what was noted of them when it was built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lightning_face.checkpoint.digest import file_digest
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import StoredSequence
from lightning_face_emovoca.verification.findings import Finding

__all__ = ["check_source", "check_stored_files"]


def check_stored_files(
    store: EmoVOCAStore, unit: StoredSequence, line: dict[str, Any]
) -> list[Finding]:
    """Hash the files of a sentence.

    Args:
        store: The store.
        unit: The sentence.
        line: Its line of the manifest.

    Returns:
        What is missing, and what is not what was built.
    """
    found = []
    for place, path, expected in _noted(store, unit, line):
        if not path.is_file():
            found.append(Finding("missing", place, f"is not there: {path}"))
        elif file_digest(path) != expected:
            what = f"is not what was built: {path} has other bytes than the manifest says"
            found.append(Finding("changed", place, what))
    return found


def check_source(store: EmoVOCAStore, unit: StoredSequence, line: dict[str, Any]) -> list[Finding]:
    """Hash the talking sequence that a sentence was built of, if it is still there.

    Args:
        store: The store.
        unit: The sentence.
        line: Its line of the manifest.
    """
    path = store.source_file(unit.actor, unit.sentence)
    if not path.is_file() or file_digest(path) == line["sources"]["vertices"]["sha256"]:
        return []
    what = f"is not what {unit.name} was built of: it has changed since"
    return [Finding("source changed", str(path), what)]


def _noted(
    store: EmoVOCAStore, unit: StoredSequence, line: dict[str, Any]
) -> Iterator[tuple[str, Path, str]]:
    """Go through the files of a sentence, with their places in words and noted hashes."""
    yield f"audio/{unit.name}", store.path / "audio" / unit.name / "c/0", line["audio"]
    latents = f"latent/talk/{unit.name}"
    yield latents, store.path / latents / "c/0/0", line["latents"]
    if store.is_virtual:
        return
    landmarks = f"landmarks/{unit.name}"
    yield landmarks, store.path / landmarks / "c/0/0/0/0/0", line["landmarks"]
    for emotion, intensity in np.ndindex(len(store.emotions), len(store.intensities)):
        strength = store.intensities[intensity]
        place = f"motion/{unit.name} [{store.emotions[emotion].name}, {strength:g}]"
        path = store.shard_file(unit.actor, unit.sentence, emotion, strength)
        yield place, path, line["motion"][emotion][intensity]
