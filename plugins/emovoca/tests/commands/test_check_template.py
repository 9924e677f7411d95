from __future__ import annotations

import pytest

from lightning_face.errors import DataError
from lightning_face.testing.research_data import research_file
from lightning_face_emovoca.commands import main


def test_template_of_another_topology_is_described(small_root, capsys):
    folder = small_root / "src" / "template"
    assert main(["check-template", str(folder)]) == 0
    first, *levels, last = capsys.readouterr().out.splitlines()
    assert first.startswith(str(folder / "downsampling_matrices.pkl"))
    assert first.endswith("not the published file")
    assert [line.split(":")[0] for line in levels] == ["level 0", "level 1", "level 2"]
    assert "280 vertices" in levels[0]
    assert last.startswith("A template of another topology")


def test_published_template_is_recognised(capsys):
    path = research_file("emovoca/downsampling_matrices.pkl")
    if path is None:
        pytest.skip("needs downsampling_matrices.pkl of the published template")
    assert main(["check-template", str(path)]) == 0
    first, *levels, last = capsys.readouterr().out.splitlines()
    assert first.endswith("  the published file")
    assert all(line.endswith("  ok") for line in levels)
    assert last == "The published networks can be used with this template."


def test_missing_template_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no template hierarchy"):
        main(["check-template", str(tmp_path)])
