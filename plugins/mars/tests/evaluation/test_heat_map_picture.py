"""Heat maps over pictures."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from lightning_face_mars.evaluation.heat_map_picture import draw_heat_map, word_maps


def test_pieces_of_a_word_share_a_map():
    maps = torch.arange(5.0)[:, None, None].expand(5, 2, 2)
    found = word_maps(maps, ["[CLS]", "back", "##pack", "red", "bag"])
    assert [word for word, _ in found] == ["backpack", "red", "bag"]
    assert [each.mean().item() for _, each in found] == [1.5, 3.0, 4.0]


def test_colour_lies_where_the_relevance_is():
    picture = Image.new("RGB", (40, 80), (60, 120, 200))
    relevance = torch.zeros(4, 4)
    relevance[0, 0] = 1.0
    drawn = np.asarray(draw_heat_map(picture, relevance, 1.0)).astype(int)
    assert drawn.shape == (80, 40, 3)
    spread = drawn.max(axis=2) - drawn.min(axis=2)
    assert spread[4, 2] > 40
    # nothing is relevant below: the picture, in grey
    assert spread[-1, -1] == 0
    assert abs(drawn[-1, -1, 0] - 110) < 15
