"""What a check of a dataset on disk found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

__all__ = ["CheckedDataModule", "DataReport", "Problem", "Severity"]

Severity = Literal["error", "warning", "note"]

Fact = str | int | float | bool | None | list[str] | list[int]

_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Problem:
    """Something odd about a file or folder.

    Args:
        path: The file or folder.
        what: What is odd, and what to do.
        severity: ``error`` stops or spoils training, ``warning`` leaves something out, ``note`` is
            worth knowing.
    """

    path: Path
    what: str
    severity: Severity


@dataclass
class DataReport:
    """Outcome of a check.

    Args:
        counts: How many there are of what.
        facts: Whatever else is worth saying.
        problems: What is odd, in the order found.
    """

    counts: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, what: str, severity: Severity) -> None:
        """Note a problem.

        Args:
            path: The file or folder.
            what: What is odd, and what to do; the same words for the same oddity elsewhere.
            severity: ``error``, ``warning`` or ``note``.
        """
        self.problems.append(Problem(path, what, severity))

    @property
    def has_errors(self) -> bool:
        """Whether there is a problem of severity ``error``."""
        return any(problem.severity == "error" for problem in self.problems)

    def to_dict(self) -> dict[str, object]:
        """Return everything as values that JSON can hold."""
        return {
            "counts": self.counts,
            "facts": self.facts,
            "problems": [
                {"path": str(each.path), "what": each.what, "severity": each.severity}
                for each in self.problems
            ],
        }

    def to_text(self, examples: int = 3) -> str:
        """Return the report as lines for a person; equal problems share a line.

        Args:
            examples: Paths to show of each problem.
        """
        rows = {name: f"{count:,}" for name, count in self.counts.items()}
        rows |= {name: _text_of(fact) for name, fact in self.facts.items()}
        width = max(map(len, rows), default=0)
        lines = [f"{name.ljust(width)}  {text}" for name, text in rows.items()]
        for severity in _SEVERITIES:
            found = [problem for problem in self.problems if problem.severity == severity]
            for what, count in Counter(problem.what for problem in found).items():
                paths = [str(problem.path) for problem in found if problem.what == what]
                lines.append(
                    f"{severity}: {what} ({count})" if count > 1 else f"{severity}: {what}"
                )
                lines += [f"    {path}" for path in paths[:examples]]
                if count > examples:
                    lines.append(f"    ... and {count - examples} more (--json lists all)")
        return "\n".join(lines) if self.problems else "\n".join([*lines, "no problems found"])


@runtime_checkable
class CheckedDataModule(Protocol):
    """A class of data modules that can check its dataset."""

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at a dataset on disk.

        Args:
            root: Folder of the dataset.
            full: Look at every byte, not at a sample.
        """


def _text_of(fact: Fact) -> str:
    return ", ".join(map(str, fact)) if isinstance(fact, list) else str(fact)
