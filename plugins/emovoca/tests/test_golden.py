"""Stored outputs of the published code."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.testing.golden import check_case, find_cases, load_case, load_runners

RUNNERS = load_runners(Path(__file__).parent / "golden_runners.py")


@pytest.mark.parametrize(
    "folder", find_cases(Path(__file__).parent / "golden"), ids=lambda folder: folder.name
)
def test_outputs_equal_those_of_the_published_code(folder: Path):
    case = load_case(folder)
    assert check_case(case, RUNNERS[case.model]) == []


def test_a_case_that_is_not_met_is_reported():
    case = load_case(Path(__file__).parent / "golden" / "emovoca-desd-tiny")
    case.state_dict["dconv.0.conv.bias"] += 1
    assert check_case(case, RUNNERS[case.model])
