from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_sis.commands import main
from lightning_face_sis.commands.face_files import find_faces
from lightning_face_sis.data.celebamask_layout import IMAGE_FOLDER


def test_a_sample_can_be_read(tmp_path, capsys):
    root = tmp_path / "faces"
    words = ["--faces", "3", "--people", "1", "--size", "32"]
    assert main(["write-sample", str(root), *words]) == 0
    assert capsys.readouterr().out.strip() == str(root)
    assert len(find_faces([root / IMAGE_FOLDER], None)) == 3


@pytest.mark.parametrize("words", [["--faces", "0"], ["--size", "8"], ["--seed", "-1"]])
def test_numbers_out_of_range_are_named(tmp_path, words):
    with pytest.raises(ConfigError, match=" ".join(words)):
        main(["write-sample", str(tmp_path / "a"), *words])


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "a.txt").write_text("precious")
    with pytest.raises(ConfigError, match="not an empty folder"):
        main(["write-sample", str(tmp_path)])
