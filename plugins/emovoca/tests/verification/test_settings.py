"""Limits and how they are written."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.verification import VerificationSettings


def test_words_of_a_file_become_settings():
    settings = VerificationSettings.from_dict({"lip_correlation": 0.8, "jerk": 5})
    limits = {measure.name: measure.limits for measure in settings.measures()}
    assert limits["lip_correlation"] == "at least 0.8"
    assert limits["jerk"] == "at most 5"
    assert limits["displacement"] == "at most 40 mm"
    assert limits["lip_lag"] == "exactly 0 frames"
    assert limits["lip_spread"] == "0.5 to 2"
    assert limits["expression_size"] == "no limit"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"lip_corelation": 0.9}, "unknown lip_corelation; known are .*lip_correlation"),
        ({"edges_kept": 99.9}, r"edges_kept 99.9 is no share"),
        ({"edge_low": 4.0}, "edge_low 4.0 is above edge_high 3.0"),
        ({"geometry_every": 0}, "geometry_every 0 is below 1"),
    ],
)
def test_wrong_words_are_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        VerificationSettings.from_dict(words)
