"""All metrics of a run in one table."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from lightning_face.checkpoint.atomic import atomic_path

__all__ = ["MetricsFile"]

_STEP = "step"


class MetricsFile(Logger):
    """Writes ``metrics.csv`` in the run folder: one row per step, one column per metric.

    What is logged at the step of the last row joins that row. Every row is in the file when
    ``log_metrics`` returns, so a killed run loses none; a new column rewrites the file. A table
    that exists already is continued.

    Args:
        save_dir: Run folder.
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self.path = Path(save_dir) / "metrics.csv"
        self._columns: list[str] = []
        self._last: dict[str, str] = {}
        self._opened = False

    @property
    @override
    def name(self) -> str:
        return "metrics"

    @property
    @override
    def version(self) -> str:
        return ""

    @property
    @override
    def save_dir(self) -> str:
        return str(self.path.parent)

    @override
    def log_hyperparams(
        self,
        params: dict[str, Any] | Namespace,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Do nothing: the run folder holds the configuration."""

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write metrics to the row of a step.

        Args:
            metrics: Values by name.
            step: Step that they belong to; the last one if left out.
        """
        self._open()
        row = {name: repr(float(value)) for name, value in metrics.items()}
        row = {_STEP: self._last.get(_STEP, "0") if step is None else str(step), **row}
        joins = self._last.get(_STEP) == row[_STEP]
        self._last = {**self._last, **row} if joins else row
        added = [name for name in row if name not in self._columns]
        if added or joins:
            rows = self._read()
            self._columns += added
            self._rewrite([*(rows[:-1] if joins else rows), self._last])
        else:
            with self.path.open("a", newline="") as file:
                file.write(self._format([self._last]))

    def drop_after(self, step: int) -> None:
        """Forget the rows of steps that a resumed run will do again.

        Args:
            step: Last step to keep.
        """
        if not self.path.is_file():
            return
        self._open()
        rows = self._read()
        kept = [row for row in rows if int(row[_STEP]) <= step]
        if len(kept) < len(rows):
            self._rewrite(kept)
            self._last = kept[-1] if kept else {}

    def _open(self) -> None:
        """Take up a table that an earlier process of the run has written."""
        if self._opened:
            return
        self._opened = True
        if self.path.is_file():
            rows = self._read()
            # a process that was killed may have left half a line
            self._rewrite(rows)
            self._last = rows[-1] if rows else {}
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def _read(self) -> list[dict[str, str]]:
        if not self.path.is_file():
            return []
        complete, end, _ = self.path.read_text().rpartition("\n")
        reader = csv.DictReader(io.StringIO(complete + end))
        rows = [{name: value for name, value in row.items() if value} for row in reader]
        self._columns = list(reader.fieldnames or [])
        return rows

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        with atomic_path(self.path) as temporary:
            temporary.write_text(
                self._format([dict(zip(self._columns, self._columns, strict=True))])
            )
            with temporary.open("a", newline="") as file:
                file.write(self._format(rows))

    def _format(self, rows: list[dict[str, str]]) -> str:
        text = io.StringIO(newline="")
        csv.DictWriter(text, self._columns, restval="", lineterminator="\n").writerows(rows)
        return text.getvalue()
