"""The verb that writes the sample."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.commands import main


def test_sample_is_written_into_an_empty_folder(tmp_path, capsys):
    root = tmp_path / "sample"
    command = ["write-sample", str(root), "--emotions", "happy", "--sentences", "1"]
    assert main([*command, "--seconds", "0.3"]) == 0
    assert capsys.readouterr().out.strip() == str(root)
    names = [path.name for path in (root / "Dataset" / "EmoVOCA" / "sequences").iterdir()]
    assert len(names) == 6 * 3
    assert all("_Smile2_" in name for name in names)
    with pytest.raises(ConfigError, match="is not empty"):
        main(command)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sentences", "0"], "--sentences 0: at least 1"),
        (["--seconds", "0.1"], "--seconds 0.1: at least 0.3"),
        (["--seed", "-1"], "--seed -1: at least 0"),
        (["--emotions", "Smile1"], "no emotion 'Smile1'"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        main(["write-sample", str(tmp_path / "sample"), *arguments])
