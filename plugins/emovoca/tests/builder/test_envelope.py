"""Strength of an expression within a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.envelope import Envelope


def test_full_strength_by_default():
    np.testing.assert_array_equal(Envelope().at(range(60), 60, 60.0), np.ones(60))


def test_grows_holds_and_fades():
    strength = Envelope(attack=0.5, release=0.25).at(range(120), 120, 60.0)
    assert strength[0] == 0
    assert strength[15] == pytest.approx(0.5)
    np.testing.assert_array_equal(strength[30:105], 1)
    assert strength[119] == pytest.approx(1 / 15, abs=1e-6)
    assert (np.diff(strength[:31]) > 0).all()
    assert (np.diff(strength[105:]) < 0).all()


def test_holds_as_long_as_it_is_told():
    strength = Envelope(attack=0.1, hold=0.2, release=0.1).at(range(60), 60, 60.0)
    assert strength[6] == pytest.approx(1)
    assert strength[17] == pytest.approx(1)
    np.testing.assert_array_equal(strength[24:], 0)


def test_parts_agree_with_the_whole():
    envelope = Envelope(attack=0.3, hold=0.1, release=0.2)
    whole = envelope.at(range(90), 90, 60.0)
    np.testing.assert_array_equal(envelope.at(range(20, 41), 90, 60.0), whole[20:41])


@pytest.mark.parametrize("name", ["attack", "hold", "release"])
def test_negative_time(name):
    with pytest.raises(ConfigError, match=f"envelope.{name} -1"):
        Envelope(**{name: -1})
