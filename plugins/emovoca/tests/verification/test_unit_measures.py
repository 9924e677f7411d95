"""Measures of all variants of a sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lightning_face_emovoca.verification import UnitMeasurer, judge_unit

INTENSITIES = (1.0, 2.0, 3.0)


def test_values_of_a_sentence_that_is_known(sentence):
    unit = sentence.measures()
    assert unit.frames.tolist() == [[60] * 3] * 3
    assert unit.values["lip_correlation"] == pytest.approx(np.ones((3, 3)), abs=1e-3)
    assert not unit.values["lip_lag"].any()
    assert unit.values["lip_spread"] == pytest.approx(np.full((3, 3), 0.95), abs=0.01)
    assert unit.values["expression_cosine"] == pytest.approx(np.ones((3, 3)), abs=1e-6)
    growth = unit.values["expression_growth"]
    assert np.isnan(growth[:, 0]).all()
    assert growth[:, 1:] == pytest.approx(np.array([[2.0, 1.5]] * 3), rel=1e-4)
    assert (unit.nearest == np.arange(3)[:, None]).all()
    assert unit.values["landmarks"].max() < 1e-6
    # a twentieth of the motion is lost where nothing is expressed
    assert unit.talking["error"] == pytest.approx(
        float(0.05 * np.linalg.norm(sentence.source, axis=-1).mean()), rel=1e-4
    )
    assert unit.talking["correlation"] == pytest.approx(1.0)


@pytest.mark.parametrize("block", [1, 7, 60])
def test_the_size_of_the_blocks_makes_no_difference(sentence, block):
    whole, parts = sentence.measures(16), sentence.measures(block)
    for name, table in whole.values.items():
        assert parts.values[name] == pytest.approx(table, rel=1e-5, nan_ok=True)
    for name, table in whole.places.items():
        assert (parts.places[name] == table).all()


def test_an_expression_that_is_none_has_no_direction(sentence):
    sentence.models[1] = 0
    sentence.mixtures[1] = sentence.plain
    unit = sentence.measures()
    assert np.isnan(unit.values["expression_cosine"][1]).all()
    assert (unit.nearest[1] == -1).all()
    assert not np.isnan(unit.values["expression_cosine"][[0, 2]]).any()


def test_lips_that_do_not_speak_say_nothing(sentence):
    sentence.source[:] = 0
    sentence.plain[:] = 0
    unit = sentence.measures()
    for name in ("lip_correlation", "lip_lag", "lip_spread", "closures_kept"):
        assert np.isnan(unit.values[name]).all()


def test_everything_can_be_written_as_json(sentence):
    sentence.landmarks[0, 0, 3] = np.nan
    text = json.dumps(sentence.measures().to_dict(), allow_nan=False)
    found = json.loads(text)
    assert found["name"] == "actor/sentence01"
    assert found["values"]["expression_growth"][0][0] is None


def test_a_variant_that_cannot_be_read_says_nothing(sentence):
    head, shape = sentence.head, sentence.mixtures.shape[:2]
    unit = UnitMeasurer("actor/sentence01", head, *shape)
    unit.add_talking(sentence.source, sentence.plain)
    for at in np.ndindex(*shape):
        if at == (1, 1):
            unit.add(*at, sentence.mixtures[at][:16])
            unit.drop(*at)
        else:
            unit.add(*at, sentence.mixtures[at])
    found = unit.finish(sentence.models, INTENSITIES)
    assert judge_unit(found, ("Angry", "Happy", "Sad"), INTENSITIES, head.settings) == []
    assert found.nearest.tolist() == [[0, 0, 0], [1, -1, 1], [2, 2, 2]]
    assert np.isnan(found.values["expression_growth"][1]).all()
    assert all(np.isnan(table[1, 1]) for table in found.values.values())
