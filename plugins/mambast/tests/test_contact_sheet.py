from __future__ import annotations

import pytest
from PIL import Image

from lightning_face_mambast.contact_sheet import contact_sheet, thumbnail

RED, BLUE, GREEN, WHITE = (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255)


def test_originals_stand_on_the_margins_and_results_between():
    sheet = contact_sheet(
        [Image.new("RGB", (10, 10), RED)] * 2,
        [Image.new("RGB", (10, 10), BLUE)] * 3,
        {(0, 0): Image.new("RGB", (10, 10), GREEN), (1, 2): Image.new("RGB", (10, 10), GREEN)},
        side=20,
    )
    middle = [6 + 26 * index + 10 for index in range(4)]
    colours = [[sheet.getpixel((x, y)) for x in middle] for y in middle[:3]]
    assert colours == [
        [WHITE, BLUE, BLUE, BLUE],
        [RED, GREEN, WHITE, WHITE],
        [RED, WHITE, WHITE, GREEN],
    ]
    assert sheet.size == (4 * 26 + 6, 3 * 26 + 6)


@pytest.mark.parametrize(
    ("size", "expected"), [((200, 100), (50, 25)), ((10, 20), (25, 50)), ((1000, 1), (50, 1))]
)
def test_thumbnail_keeps_the_aspect_ratio(size, expected):
    assert thumbnail(Image.new("RGB", size), 50).size == expected
