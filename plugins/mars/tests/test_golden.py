"""Stored outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lightning_face.testing.golden import check_case, find_cases, load_case, load_runners

RUNNERS = load_runners(Path(__file__).parent / "golden_runners.py")
CASES = find_cases(Path(__file__).parent / "golden")
NAMES_ALONE = [folder for folder in CASES if folder.name.endswith("-keys")]


@pytest.mark.parametrize(
    "folder",
    [folder for folder in CASES if folder not in NAMES_ALONE],
    ids=lambda folder: folder.name,
)
def test_outputs_equal_those_of_the_published_code(folder: Path):
    case = load_case(folder)
    assert check_case(case, RUNNERS[case.model]) == []


@pytest.mark.parametrize("folder", NAMES_ALONE, ids=lambda folder: folder.name)
def test_names_and_shapes_equal_those_of_the_published_files(folder: Path):
    # the values would take gigabytes
    case = json.loads((folder / "case.json").read_text())
    tensors = {
        row["name"]: torch.empty(row["shape"], dtype=getattr(torch, row["dtype"]), device="meta")
        for row in case["tensors"]
    }
    found = RUNNERS[case["model"]](case["config"], tensors, {})
    assert {name: value.item() for name, value in found.items()} == case["config"]


def test_a_case_that_is_not_met_is_reported():
    case = load_case(Path(__file__).parent / "golden" / "mars-vit")
    case.state_dict["norm.bias"] += 1
    assert check_case(case, RUNNERS[case.model])
