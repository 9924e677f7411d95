from __future__ import annotations

from dataclasses import replace

import pytest

from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.hierarchy.template_check import check_template


@pytest.fixture(scope="module")
def report():
    path = research_file("emovoca/downsampling_matrices.pkl")
    if path is None:
        pytest.skip("needs downsampling_matrices.pkl of the published template")
    return check_template(path.parent)


def test_published_template_is_recognised(report):
    assert report.published
    assert report.published_file
    assert report.path.name == "downsampling_matrices.pkl"


def test_other_spirals_of_the_same_sizes_are_found(report):
    other = replace(report, spirals=(*report.spirals[:2], "0" * 64, *report.spirals[3:]))
    assert other.of_published_size
    assert not other.published
    assert [line.endswith("DIFFERENT") for line in other.lines()[1:-1]] == [False, False, True] + [
        False
    ] * 2
    assert other.lines()[-1].startswith("The published networks cannot be used with it")
