from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face_sis.commands.watermark import watermarked


@pytest.mark.parametrize("text", ["SYNTHETIC", "a much longer text that has to be made smaller"])
def test_words_are_light_on_a_dark_band(text):
    marked = np.asarray(watermarked(Image.new("RGB", (256, 256), (120, 130, 140)), text))
    assert (marked[:228] == (120, 130, 140)).all()
    band = marked[234:]
    assert band.max() > 240
    assert np.median(band) < 70
    columns = np.nonzero((band > 200).all(axis=2).any(axis=0))[0]
    assert columns.min() >= 2
    assert columns.max() < 253
