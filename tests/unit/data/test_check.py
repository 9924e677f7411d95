"""Reports of dataset checks as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from lightning_face.data.check import CheckedDataModule, DataReport


def report() -> DataReport:
    made = DataReport(counts={"clips": 2717}, facts={"users": ["a", "b"], "median": 48})
    for index in range(5):
        made.add(Path(f"clip_{index}"), "no frames", "warning")
    made.add(Path("clip_9"), "no window", "note")
    return made


def test_text_counts_equal_problems_and_shows_a_few():
    assert report().to_text(examples=2).splitlines() == [
        "clips   2,717",
        "users   a, b",
        "median  48",
        "warning: no frames (5)",
        "    clip_0",
        "    clip_1",
        "    ... and 3 more (--json lists all)",
        "note: no window",
        "    clip_9",
    ]


def test_errors_come_first():
    made = report()
    assert not made.has_errors
    made.add(Path("clip_1"), "broken", "error")
    assert made.has_errors
    assert made.to_text().splitlines()[3] == "error: broken"


def test_nothing_found_is_said():
    assert DataReport({"clips": 1}).to_text().splitlines() == ["clips  1", "no problems found"]


def test_json_holds_every_problem():
    content = json.loads(json.dumps(report().to_dict()))
    assert content["counts"] == {"clips": 2717}
    assert content["facts"] == {"users": ["a", "b"], "median": 48}
    assert len(content["problems"]) == 6
    assert content["problems"][5] == {"path": "clip_9", "what": "no window", "severity": "note"}


def test_classes_with_a_check_are_told_apart():
    class Checked:
        @classmethod
        def check(cls, root: Path, full: bool = False) -> DataReport:
            return DataReport()

    assert isinstance(Checked, CheckedDataModule)
    assert not isinstance(int, CheckedDataModule)
