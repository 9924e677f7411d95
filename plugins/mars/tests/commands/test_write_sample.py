"""The verb that writes drawn pedestrians."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars.commands import main
from lightning_face_mars.data.person_layout import ICFG_PEDES
from lightning_face_mars.data.person_records import read_records


def test_a_sample_is_written_into_an_empty_folder(tmp_path, capsys):
    root = tmp_path / "sample"
    command = ["write-sample", str(root), "--layout", "icfg-pedes", "--train", "2", "--test", "1"]
    assert main([*command, "--images", "3"]) == 0
    assert capsys.readouterr().out.strip() == str(root)
    records = read_records(root, ICFG_PEDES)
    assert [len(records[part]) for part in ("train", "val", "test")] == [6, 0, 3]
    with pytest.raises(ConfigError, match="is not empty: name another folder"):
        main(command)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train", "0"], "--train 0: at least 1"),
        (["--images", "0"], "--images 0: at least 1"),
        (["--seed", "-1"], "--seed -1: at least 0"),
        (["--train", "2000"], "2050 persons are more than the 1080"),
        (["--layout", "msmt17"], "invalid choice: 'msmt17'"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        main(["write-sample", str(tmp_path / "sample"), *arguments])
