"""Weights of the terms of each method."""

from __future__ import annotations

from typing import get_args

import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars.loss_settings import LossSettings, Term, preset_weights

TERMS: tuple[Term, ...] = get_args(Term)


def test_weights_are_those_of_the_papers():
    assert list(preset_weights("mars").values()) == [0.5, 1, 1, 0.5, 0.5, 1, 2]
    assert list(preset_weights("rasa").values()) == [0.5, 1, 1, 0.5, 0.5, 0, 0]
    assert list(preset_weights("albef").values()) == [1, 1, 1, 0, 0, 0, 0]
    assert preset_weights("albef", {"relation": 2})["relation"] == 2


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"color": 1.0}, "no term 'color'"),
        ({"matching": -1.0}, "matching is -1.0"),
        (dict.fromkeys(TERMS, 0.0), "nothing to learn"),
    ],
)
def test_wrong_weights_are_refused(weights, reason):
    with pytest.raises(ConfigError, match=reason):
        preset_weights("mars", weights)


def test_terms_of_weight_0_are_off():
    settings = LossSettings(weights=preset_weights("rasa", {"relation": 0}))
    assert settings.has("contrastive")
    assert settings.has("attribute", "matching")
    assert not settings.has("attribute", "reconstruction", "relation")
