"""The verb that measures predicted sequences."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.commands import main
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.export import Selection, export_published

ACTORS = ["FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA"]


@pytest.fixture(scope="module")
def folder(small_store, tmp_path_factory):
    """Some variants of the store, in the published layout."""
    root = tmp_path_factory.mktemp("predicted")
    store = open_store(small_store)
    variants = Selection(sentences=["sentence01"], emotions=["Afraid", "Angry"]).variants(store)
    assert len(list(export_published(store, variants, root))) == 12
    return root


def evaluate(*words):
    return main(["evaluate", *map(str, words), "--actors", *ACTORS])


def test_what_is_predicted_perfectly(small_store, small_root, folder, tmp_path, capsys):
    file = tmp_path / "numbers.json"
    template = EmoVOCALayout(small_root).template_folder
    words = [small_store, "--prediction", folder, "--template", template, "--json", file]
    assert evaluate(*words) == 0
    output = capsys.readouterr().out
    assert "24 sequences have no prediction and are left out" in output
    assert "12 sequences of 2 actors" in output
    found = json.loads(file.read_text())
    rows = found["rows"]
    for name in ("mve", "lve", "fdd_abs", "mve_vertexmax_sq"):
        assert rows[name] == pytest.approx(0, abs=1e-3)
    assert rows["emotion_accuracy"] == rows["intensity_accuracy"] == 1
    assert found["emotions"] == ["Afraid", "Angry"]
    assert found["intensities"] == [1.0, 2.0, 3.0]
    assert np.array(found["tables"]["mve"]).shape == (2, 3)


def test_errors_go_where_they_belong(small_store, small_root, folder, tmp_path, capsys):
    template = EmoVOCALayout(small_root).template_folder
    path = EmoVOCALayout(folder).variants_folder / "sequences"
    moved = path / f"{ACTORS[1]}_sentence01_Irritated1_2.npy"
    exact = np.load(moved)
    np.save(moved, exact + np.array([0.001, 0, 0]))
    file = tmp_path / "numbers.json"
    np.save(tmp_path / "lips.npy", np.arange(5))
    words = [small_store, "--prediction", folder, "--template", template, "--json", file]
    assert evaluate(*words, "--lips", tmp_path / "lips.npy") == 0
    np.save(moved, exact)
    found = json.loads(file.read_text())
    table = np.array(found["tables"]["mve"])
    # of one of two actors by a millimetre
    assert table[1, 1] == pytest.approx(0.5, abs=0.05)
    assert np.delete(table.ravel(), 4) == pytest.approx(0, abs=1e-3)
    assert np.array(found["tables"]["lve"])[1, 1] == pytest.approx(0.05, abs=0.01)
    assert "Angry" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--es2l", "a"], ConfigError, "--es2l and --es2d go together"),
        (
            ["--es2l", "a", "--es2d", "b", "--prediction", "c"],
            ConfigError,
            "--prediction and --es2l are two things",
        ),
        ([], DataError, "have 280 vertices, the networks are for"),
    ],
)
def test_wrong_words_are_one_line(small_store, words, error, message):
    with pytest.raises(error, match=message):
        evaluate(small_store, *words)


def test_actors_that_are_not_there(small_store):
    with pytest.raises(DataError, match="has no sequence of nobody"):
        main(["evaluate", str(small_store), "--actors", "nobody"])
