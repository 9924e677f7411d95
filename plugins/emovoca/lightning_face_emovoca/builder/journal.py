"""What has been built: a line for each sentence, in files that only one process writes to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError

__all__ = ["RUNS", "append_line", "read_journals", "read_manifest", "write_manifest"]

RUNS = "runs"
"""Folder of what differs from run to run."""

_VOLATILE = "run"


def append_line(journal: Path, line: dict[str, Any]) -> None:
    """Add a line to a journal, and see it to the disk.

    Args:
        journal: File ``manifest.<shard>.<rank>.jsonl``, which no other process writes to.
        line: What is known of a sentence; what differs from run to run is under ``run``.
    """
    journal.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(line, sort_keys=True)
    with journal.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                # a process was killed while it wrote: its line ends here and counts for nothing
                text = f"\n{text}"
        file.write(f"{text}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def read_journals(store: Path) -> dict[str, dict[str, Any]]:
    """Read all journals of a store.

    Args:
        store: Its folder.

    Returns:
        Lines by ``actor/sentence``, without what differs from run to run.
    """
    lines = {}
    for journal in sorted((store / RUNS).glob("manifest.*.jsonl")):
        for text in journal.read_bytes().split(b"\n"):
            try:
                line = json.loads(text)
            except ValueError:
                # cut off when a process was killed, or empty at the end
                continue
            line.pop(_VOLATILE, None)
            lines[f"{line['actor']}/{line['sentence']}"] = line
    return lines


def write_manifest(store: Path, lines: list[dict[str, Any]]) -> None:
    """Write the lines of a finished store to one file.

    Args:
        store: Its folder.
        lines: Lines in the order of the sentences.
    """
    text = "".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines)
    with atomic_path(store / "manifest.jsonl") as temporary:
        temporary.write_text(text)


def read_manifest(file: Path) -> list[dict[str, Any]]:
    """Read the manifest of a finished store.

    Args:
        file: ``manifest.jsonl``.

    Raises:
        DataError: It is damaged.
    """
    try:
        return [json.loads(line) for line in file.read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is damaged: {error}") from error
