"""The verb that converts VOCASET."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.commands import main


def test_sentences_are_counted_and_silent_ones_named(tmp_path, capsys):
    source = tmp_path / "source"
    source.mkdir()
    sound = {"audio": np.arange(500, dtype=np.int16), "sample_rate": 22000}
    for name, content in {
        "templates": {"anna": np.zeros((5, 3))},
        "subj_seq_to_idx": {"anna": {"s1": {0: 0}, "s2": {0: 1}}},
        "raw_audio_fixed": {"anna": {"s1": sound}},
    }.items():
        (source / f"{name}.pkl").write_bytes(pickle.dumps(content))
    np.save(source / "data_verts.npy", np.zeros((2, 5, 3), np.float32))
    assert main(["prepare-vocaset", str(source), "-o", str(tmp_path / "root")]) == 0
    printed = capsys.readouterr().out
    assert "1 sentences written" in printed
    assert "1 have no sound and are left out: anna_s2" in printed
    assert main(["prepare-vocaset", str(source), "-o", str(tmp_path / "root")]) == 0
    assert "1 were there already" in capsys.readouterr().out


def test_missing_archive_and_arguments_are_one_line(tmp_path):
    with pytest.raises(DataError, match=r"data_verts\.npy is missing: .*Training Data"):
        main(["prepare-vocaset", str(tmp_path), "-o", str(tmp_path / "root")])
    with pytest.raises(ConfigError, match="--out"):
        main(["prepare-vocaset", str(tmp_path)])
