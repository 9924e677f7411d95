"""The last words of a run: what it made, and where."""

from __future__ import annotations

from pathlib import Path

from lightning_face.cli import run_folder

__all__ = ["print_summary", "short"]


def print_summary(folder: Path) -> None:
    """Name the report, the checkpoint and the pictures in a run folder.

    Args:
        folder: The run folder; what it does not hold is not mentioned.
    """
    rows = [("run", str(short(folder)))]
    last = Path(run_folder.CHECKPOINTS, run_folder.LAST)
    for title, name in (
        ("report", "report.html"),
        ("metrics", "metrics.csv"),
        ("checkpoint", last),
    ):
        if (folder / name).is_file():
            rows.append((title, str(short(folder / name))))
    for title, name in (("pictures", "samples"), ("predictions", "predictions")):
        files = [path for path in (folder / name).rglob("*") if path.is_file()]
        if files:
            rows.append((title, f"{short(folder / name)} ({len(files)} files)"))
    print()
    for title, text in rows:
        print(f"{title:<11} {text}")


def short(path: Path) -> Path:
    """Write a path from the working directory on, if it lies below it."""
    working = Path.cwd()
    return path.relative_to(working) if path.is_relative_to(working) else path
