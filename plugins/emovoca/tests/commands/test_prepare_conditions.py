"""The verb that takes expressions out of Florence 4D."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import Mesh, write_mesh
from lightning_face_emovoca.commands import main

TRIANGLE = Mesh(np.eye(3), np.array([[0, 1, 2]]))


def test_expressions_are_counted(tmp_path, capsys):
    for file in ("neutral.ply", "Sad1_10.ply", "Sad1_30.ply"):
        write_mesh(tmp_path / "source" / "COMA_CH03" / file, TRIANGLE)
    command = ["prepare-conditions", str(tmp_path / "source"), "-o", str(tmp_path / "root")]
    assert main([*command, "--emotions", "sad", "--all-frames"]) == 0
    printed = capsys.readouterr().out
    assert "2 expressions of 1 identities copied" in printed
    assert "11 identities are not there: COMA_CH01, COMA_CH02, COMA_CH04" in printed
    assert (tmp_path / "root" / "New_Conditions" / "COMA_CH03" / "Sad1_10.ply").is_file()
    with pytest.raises(DataError, match="no mesh of frame 30 of Afraid"):
        main(command)
    with pytest.raises(ConfigError, match="no emotion 'Smile1'"):
        main([*command, "--emotions", "Smile1"])
