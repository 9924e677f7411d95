from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError
from lightning_face.video import AudioTrack


@pytest.mark.parametrize("samples", [np.zeros((2, 5), np.float32), np.zeros(5, np.int16)])
def test_sound_is_one_channel_of_floating_numbers(samples):
    with pytest.raises(ConfigError, match="one flat channel"):
        AudioTrack(samples, 16_000)


def test_sound_has_a_rate():
    with pytest.raises(ConfigError, match="sample_rate=0"):
        AudioTrack(np.zeros(5, np.float32), 0)
