"""Sheets and pages of searches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_mars.gallery.search_page import Found, Search, write_search_page


@pytest.fixture
def files(tmp_path):
    made = []
    for number, color in enumerate(("red", "green", "blue")):
        # the same name in several folders
        file = tmp_path / "gallery" / str(number) / "person.png"
        file.parent.mkdir(parents=True)
        Image.new("RGB", (32, 80), color).save(file)
        made.append(file)
    return made


def test_a_search_and_what_it_found(files, tmp_path):
    found = [
        Found(files[0], "0.91", "right"),
        Found(files[1], "0.42", "wrong"),
        Found(files[0], "0.10", "right"),
    ]
    searches = [Search("someone in <red>", found, described=files[2])]
    sheet, page = write_search_page(tmp_path / "out", searches, "Searches", "One.", width=40)
    text = page.read_text()
    assert "someone in &lt;red&gt;" in text
    assert re.findall(r'<img (class="\w+" )?src', text) == [
        "",
        'class="right" ',
        'class="wrong" ',
        'class="right" ',
    ]
    assert text.count("described") == 2
    shown = re.findall(r'<img [^>]*src="([^"]+)"', text)
    assert len(set(shown)) == 3, "a picture is written once, and files of one name are kept apart"
    assert shown[1] == shown[3]
    with Image.open(page.parent / shown[0]) as picture:
        assert picture.size == (80, 200)
        assert picture.getpixel((40, 100))[2] > 200
    with Image.open(sheet) as picture:
        assert picture.width == 2 * 16 + 4 * 48 - 8


def test_many_hits_go_on_in_the_next_row(files, tmp_path):
    found = [Found(files[number % 3], str(number)) for number in range(7)]
    searches = [Search("first", found), Search("second", found)]
    _, page = write_search_page(tmp_path / "out", searches, "T", "L", columns=3)
    text = page.read_text()
    assert text.count("<tr>") == 2 * (1 + 3)
    assert text.count('class="heading"') == 2
    assert "described" not in text


def test_the_sheet_has_some_searches(files, tmp_path):
    searches = [Search(f"number {n}", [Found(files[0], "")]) for n in range(9)]
    heights = []
    for shown in (9, 3):
        sheet, page = write_search_page(tmp_path / "out", searches, "T", "L", shown_searches=shown)
        assert page.read_text().count("<img") == 9
        with Image.open(sheet) as picture:
            heights.append(picture.height)
    assert heights[1] < heights[0] / 2


def test_a_picture_that_is_gone(tmp_path):
    searches = [Search("x", [Found(Path(tmp_path, "gone.jpg"), "")])]
    with pytest.raises(DataError, match=r"gone\.jpg"):
        write_search_page(tmp_path / "out", searches, "T", "L")
