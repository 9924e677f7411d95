"""Lines of journals survive processes that are killed while they write."""

from __future__ import annotations

import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.builder.journal import (
    append_line,
    read_journals,
    read_manifest,
    write_manifest,
)


def line(sentence, **more):
    return {"actor": "A", "sentence": sentence, "unit": "0", **more}


def test_lines_of_all_journals_without_what_differs_from_run_to_run(tmp_path):
    append_line(tmp_path / "runs/manifest.1of2.0.jsonl", line("s1", run={"seconds": 1.0}))
    append_line(tmp_path / "runs/manifest.1of2.0.jsonl", line("s2", run={"seconds": 2.0}))
    append_line(tmp_path / "runs/manifest.2of2.0.jsonl", line("s3", run={"seconds": 3.0}))
    found = read_journals(tmp_path)
    assert found == {f"A/{name}": line(name) for name in ("s1", "s2", "s3")}


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_line_that_was_cut_off_counts_for_nothing(tmp_path, cut):
    journal = tmp_path / "runs/manifest.1of1.0.jsonl"
    append_line(journal, line("s1"))
    append_line(journal, line("s2"))
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-cut])
    if cut > 1:
        assert set(read_journals(tmp_path)) == {"A/s1"}
    append_line(journal, line("s2"))
    append_line(journal, line("s3"))
    assert read_journals(tmp_path) == {f"A/{name}": line(name) for name in ("s1", "s2", "s3")}


def test_no_journals(tmp_path):
    assert read_journals(tmp_path) == {}


def test_manifest(tmp_path):
    lines = [line("s1"), line("s2", checks={"findings": []})]
    write_manifest(tmp_path, lines)
    assert read_manifest(tmp_path / "manifest.jsonl") == lines


def test_damaged_manifest(tmp_path):
    (tmp_path / "manifest.jsonl").write_text('{"actor": "A"')
    with pytest.raises(DataError, match=r"manifest\.jsonl is damaged"):
        read_manifest(tmp_path / "manifest.jsonl")
