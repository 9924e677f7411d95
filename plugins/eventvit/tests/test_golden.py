"""Stored outputs of the published code."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from lightning_face.testing.golden import (
    GoldenCase,
    check_case,
    find_cases,
    load_case,
    load_runners,
)
from lightning_face.testing.research_data import research_file

RUNNERS = load_runners(Path(__file__).parent / "golden_runners.py")
FACE_BASES = "facemorphic/3dmm_d3dfacs.npz"


def skip_without_published_files(case: GoldenCase) -> None:
    """Skip a case that stands on weights or bases which the project may not ship."""
    needed = []
    if case.model in ("3dmm/deform", "3dmm/fit", "3dmm/video"):
        needed.append(FACE_BASES)
    if "weights" in case.config:
        needed.append(case.config["weights"].removeprefix("data/"))
    for name in needed:
        if research_file(name) is None:
            pytest.skip(f"{name} is not at hand")


@pytest.mark.parametrize(
    "folder", find_cases(Path(__file__).parent / "golden"), ids=lambda folder: folder.name
)
def test_outputs_equal_those_of_the_published_code(folder: Path):
    case = load_case(folder)
    skip_without_published_files(case)
    assert check_case(case, RUNNERS[case.model]) == []


@pytest.mark.parametrize("name", ["eventvit-small", "eventvit-published-event"])
def test_single_precision_is_enough(name: str):
    case = load_case(Path(__file__).parent / "golden" / name)
    skip_without_published_files(case)
    assert check_case(case, partial(RUNNERS[case.model], dtype=torch.float32)) == []


def test_a_case_that_is_not_met_is_reported():
    case = load_case(Path(__file__).parent / "golden" / "eventvit-small")
    case.state_dict["mlp_head.1.bias"] += 1
    assert check_case(case, RUNNERS[case.model])
